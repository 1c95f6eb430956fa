"""Everyone's consultations."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.consultations import everyones
from appliance.consultations.everyones import KEPT_DAYS, ConsultationFilter, ConsultationLines
from appliance.database import Database
from appliance.everyones import consultation_filter
from webadmin import wording
from webadmin.admin.overview import AdminView
from webadmin.admin.studies import count_text, query_of
from webadmin.rendering import Pages

RATINGS = {"1": "有用", "-1": "没用"}


@dataclass(frozen=True, kw_only=True)
class ConsultationsView(AdminView):
    """A page of the list; `query` is the filter as an address has it."""

    part: str = "consultations"
    page: ConsultationLines
    wanted: ConsultationFilter
    query: str
    first: bool
    sources: dict[str, str]
    levels: dict[str, str]
    ratings: dict[str, str]
    kept_days: int = KEPT_DAYS

    @property
    def total(self) -> str:
        """How many there are, as far as they are counted."""
        return count_text(self.page.total)


@get("/consultations", dependencies={"wanted": Provide(consultation_filter)})
async def list_consultations(
    wanted: NamedDependency[ConsultationFilter],
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """Filter, open, delete and bring back."""
    page = await anyio.to_thread.run_sync(everyones.list_all, database, account, wanted, before, address_of(request))
    view = ConsultationsView(
        title="问诊管理",
        page=page,
        wanted=wanted,
        query=query_of(wanted),
        first=before is None,
        sources=wording.SOURCES,
        levels=wording.LEVELS,
        ratings=RATINGS,
    )
    return pages.html("admin/consultations/page.html", view, account)


PAGES = [list_consultations]
