"""Everyone's consultations."""

from dataclasses import dataclass, field

import anyio.to_thread
from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.consultations import everyones
from appliance.consultations.everyones import ConsultationFilter
from appliance.database import Database
from appliance.everyones import consultation_filter
from webadmin import wording
from webadmin.admin.listing import ListView
from webadmin.rendering import Pages

RATINGS = {"1": "有用", "-1": "没用"}


@dataclass(frozen=True, kw_only=True)
class ConsultationsView(ListView):
    """With what can be chosen in its filter."""

    part: str = "consultations"
    noun: str = "问诊"
    sources: dict[str, str] = field(default_factory=lambda: wording.SOURCES)
    levels: dict[str, str] = field(default_factory=lambda: wording.LEVELS)
    ratings: dict[str, str] = field(default_factory=lambda: RATINGS)


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
    view = ConsultationsView(title="问诊管理", page=page, wanted=wanted, first=before is None)
    return pages.html("admin/consultations/page.html", view, account)


PAGES = [list_consultations]
