"""Ask and read answers."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.consultations import services
from appliance.consultations.schemas import ConsultationOut
from appliance.database import Database
from appliance.engines import DISCLAIMER, Engines
from appliance.settings import Settings
from appliance.studies.services import findings_text
from webadmin.pages.health import Arrival, arrival_of
from webadmin.rendering import Pages, View


@dataclass(frozen=True, kw_only=True)
class ConsultationsView(View):
    """The form, and a page of what was asked before; `wanted`: the words that were looked for in it."""

    arrival: Arrival
    past: list[ConsultationOut]
    next: str | None
    first: bool
    wanted: str
    max_characters: int
    outside: str
    study_id: str = ""
    findings: str = ""
    disclaimer: str = DISCLAIMER


@dataclass(frozen=True, kw_only=True)
class ConsultationView(View):
    """One consultation; `own`: whoever looks has asked it, and may rate the answer."""

    consultation: ConsultationOut
    own: bool

    @property
    def answer(self) -> str:
        """The answer without the advice that its banner already shows."""
        advice = self.consultation.triage.advice or ""
        return self.consultation.answer.removeprefix(advice).strip()

    @property
    def ai_made(self) -> bool:
        """A rule's advice and a passage are no machine's text."""
        return self.consultation.source in ("local", "fallback")


@get("/consultations")
async def list_consultations(
    account: NamedDependency[Account],
    settings: NamedDependency[Settings],
    database: NamedDependency[Database],
    engines: NamedDependency[Engines],
    pages: NamedDependency[Pages],
    before: FromQuery[str | None] = None,
    study: FromQuery[str] = "",
    find: FromQuery[str] = "",
) -> Response[str]:
    """The form to ask, with the findings of `study` when one is named, and the own consultations, newest first."""
    findings = await anyio.to_thread.run_sync(findings_text, database, account, study) if study else ""
    past = await anyio.to_thread.run_sync(services.list_own, database, account, before, find)
    view = ConsultationsView(
        title="问诊",
        section="consultations",
        arrival=await arrival_of(engines),
        past=past.items,
        next=past.next,
        first=before is None,
        wanted=find.strip(),
        max_characters=settings.limits.question_characters,
        outside=engines.fallback.host if engines.fallback else "",
        study_id=study,
        findings=findings,
    )
    return pages.html("consultations/page.html", view, account)


@get("/consultations/{consultation_id:str}")
async def show_consultation(
    consultation_id: FromPath[str],
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """One consultation."""
    address = address_of(request)
    found = await anyio.to_thread.run_sync(services.get, database, account, consultation_id, address)
    own = await anyio.to_thread.run_sync(services.is_own, database, account, consultation_id)
    view = ConsultationView(title="问诊记录", section="consultations", consultation=found, own=own)
    return pages.html("consultations/consultation.html", view, account)
