"""Ask a question, as JSON or as a stream; read, rate and export what was answered."""

from collections.abc import AsyncGenerator, AsyncIterator

import anyio.to_thread
import msgspec
from litestar import Controller, Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import ServerSentEvent, ServerSentEventMessage

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.consultations import services
from appliance.consultations.schemas import (
    Ask,
    ConsultationOut,
    ConsultationPage,
    QueuedOut,
    Rate,
    SentOut,
    TriageOut,
)
from appliance.consultations.services import Asker, Progress
from appliance.database import Database
from appliance.engines import Engines
from appliance.errors import XiangyiError, error_body
from appliance.settings import Settings


class ConsultationController(Controller):
    path = "/consultations"
    request_max_body_size = 256 * 1024
    tags = ("consultations",)

    @post()
    async def ask(
        self,
        data: JSONBody[Ask],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        engines: NamedDependency[Engines],
        settings: NamedDependency[Settings],
    ) -> Response:
        """201 with the answer; under `Accept: text/event-stream` the events triage, queued, sent, delta …, then done.

        An event `error` instead of done when it fails on the way. An error after a red flag begins with its advice,
        and has the triage in its detail.
        """
        asker = Asker(account, address_of(request))
        progress = services.ask(database, engines, settings, asker, data)
        # The triage is awaited before any answer begins: what is refused is still told by its status.
        first = await anext(progress)
        if "text/event-stream" in request.headers.get("accept", ""):
            return ServerSentEvent(_events(first, progress), status_code=201)
        try:
            async for step in progress:
                if isinstance(step, ConsultationOut):
                    return Response(step, status_code=201)
        except XiangyiError as error:
            raise _advised(error, first) from error
        raise XiangyiError()

    @get()
    async def list_own(
        self,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        before: FromQuery[str | None] = None,
        q: FromQuery[str] = "",
    ) -> ConsultationPage:
        """The own consultations, newest first; `q`: words that stand in the question."""
        return await anyio.to_thread.run_sync(services.list_own, database, account, before, q)

    @get("/export")
    async def export(
        self,
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        everyones: FromQuery[bool] = False,
    ) -> Response[list[ConsultationOut]]:
        """All own consultations as a file; `everyones` for admins."""
        address = address_of(request)
        found = await anyio.to_thread.run_sync(services.export, database, account, address, everyones)
        return Response(found, headers={"Content-Disposition": 'attachment; filename="consultations.json"'})

    @get("/{consultation_id:str}")
    async def read(
        self,
        consultation_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> ConsultationOut:
        """One consultation."""
        return await anyio.to_thread.run_sync(services.get, database, account, consultation_id, address_of(request))

    @put("/{consultation_id:str}/rating", status_code=204)
    async def rate(
        self,
        consultation_id: FromPath[str],
        data: JSONBody[Rate],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> None:
        """Whether an own answer helped: 1, -1 or null."""
        address = address_of(request)
        await anyio.to_thread.run_sync(services.rate, database, account, consultation_id, data.rating, address)


async def _events(first: Progress, progress: AsyncIterator[Progress]) -> AsyncGenerator[ServerSentEventMessage, None]:
    yield _event(first)
    try:
        async for step in progress:
            yield _event(step)
    except XiangyiError as error:
        yield _message("error", error_body(error.code, error.message, error.detail))


def _advised(error: XiangyiError, first: Progress) -> XiangyiError:
    """The same error, behind the advice on a red flag: a full disk must keep that from nobody."""
    if not isinstance(first, TriageOut) or first.advice is None:
        return error
    advised = XiangyiError(f"{first.advice}（{error.message}）", error.code, **error.detail, triage=first)
    advised.status = error.status
    return advised


def _event(step: Progress) -> ServerSentEventMessage:
    match step:
        case TriageOut():
            return _message("triage", step)
        case QueuedOut():
            return _message("queued", step)
        case SentOut():
            return _message("sent", step)
        case ConsultationOut():
            return _message("done", step)
        case text:
            return _message("delta", {"text": text})


def _message(event: str, data: object) -> ServerSentEventMessage:
    return ServerSentEventMessage(event=event, data=msgspec.json.encode(data).decode())
