"""Everyone's studies."""

from dataclasses import dataclass, field

import anyio.to_thread
from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.database import Database
from appliance.everyones import study_filter
from appliance.studies import everyones
from appliance.studies.everyones import StudyFilter
from webadmin import wording
from webadmin.admin.listing import ListView
from webadmin.rendering import Pages


@dataclass(frozen=True, kw_only=True)
class StudiesView(ListView):
    """With what can be chosen in its filter."""

    part: str = "studies"
    noun: str = "分割"
    versions: dict[str, str]
    organs: dict[str, str] = field(default_factory=wording.organs)
    statuses: dict[str, str] = field(default_factory=lambda: wording.STATUSES)


@get("/studies", dependencies={"wanted": Provide(study_filter)})
async def list_studies(
    wanted: NamedDependency[StudyFilter],
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """Filter, open, delete and bring back."""
    page = await anyio.to_thread.run_sync(everyones.list_all, database, account, wanted, before, address_of(request))
    versions = {version: version for version in await anyio.to_thread.run_sync(everyones.versions, database)}
    view = StudiesView(title="分割管理", page=page, wanted=wanted, first=before is None, versions=versions)
    return pages.html("admin/studies/page.html", view, account)


PAGES = [list_studies]
