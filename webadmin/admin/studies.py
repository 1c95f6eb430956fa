"""Everyone's studies."""

from dataclasses import dataclass
from urllib.parse import urlencode

import anyio.to_thread
import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.database import Database
from appliance.everyones import study_filter
from appliance.lists import MOST_COUNTED
from appliance.studies import everyones
from appliance.studies.everyones import KEPT_DAYS, StudyFilter, StudyLines
from webadmin import wording
from webadmin.admin.overview import AdminView
from webadmin.rendering import Pages


@dataclass(frozen=True, kw_only=True)
class StudiesView(AdminView):
    """A page of the list; `query` is the filter as an address has it."""

    part: str = "studies"
    page: StudyLines
    wanted: StudyFilter
    query: str
    first: bool
    organs: dict[str, str]
    versions: dict[str, str]
    statuses: dict[str, str]
    kept_days: int = KEPT_DAYS

    @property
    def total(self) -> str:
        """How many there are, as far as they are counted."""
        return count_text(self.page.total)


def count_text(total: int) -> str:
    """A count, or that it is more than is counted."""
    return f"{MOST_COUNTED} 条以上" if total > MOST_COUNTED else f"{total} 条"


def query_of(wanted: msgspec.Struct) -> str:
    """A filter as an address has it, without what asks for nothing."""
    asked = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value}
    return urlencode({name: "true" if value is True else value for name, value in asked.items()})


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
    versions = await anyio.to_thread.run_sync(everyones.versions, database)
    view = StudiesView(
        title="分割管理",
        page=page,
        wanted=wanted,
        query=query_of(wanted),
        first=before is None,
        organs=wording.organs(),
        versions={version: version for version in versions},
        statuses=wording.STATUSES,
    )
    return pages.html("admin/studies/page.html", view, account)


PAGES = [list_studies]
