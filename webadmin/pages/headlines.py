"""Health headlines: a list of links, for pictures of other sites are not shown."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from appliance.auth.services import Account
from appliance.database import Database
from appliance.headlines import services
from appliance.headlines.schemas import HeadlinePage
from appliance.settings import Settings
from webadmin.rendering import Pages, View


@dataclass(frozen=True, kw_only=True)
class HeadlinesView(View):
    """A page of the list."""

    headlines: HeadlinePage
    first: bool


@get("/headlines")
async def list_headlines(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    pages: NamedDependency[Pages],
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """All headlines that the box has, newest first."""
    found = await anyio.to_thread.run_sync(services.page, database, settings, before)
    view = HeadlinesView(title="健康头条", section="home", headlines=found, first=before is None)
    return pages.html("headlines/page.html", view, account)
