"""Everyone's studies and consultations over HTTP, for admins: filter, count, export, delete with undo."""

from collections.abc import Callable

import anyio.to_thread
from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from appliance.auth.controllers import address_of
from appliance.auth.guards import require_admin
from appliance.auth.services import Account
from appliance.consultations import everyones as consultations
from appliance.consultations.everyones import ConsultationFilter, ConsultationLines
from appliance.database import Database
from appliance.listing import Listing
from appliance.sheets import download
from appliance.studies import everyones as studies
from appliance.studies.everyones import StudyFilter, StudyLines


async def study_filter(
    organ: FromQuery[str] = "",
    status: FromQuery[str] = "",
    username: FromQuery[str] = "",
    version: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    deleted: FromQuery[str] = "",
) -> StudyFilter:
    """What a list of studies is asked for; for the API and the pages."""
    return StudyFilter(organ, status, username.strip(), version, since, until, deleted == "true")


async def consultation_filter(
    q: FromQuery[str] = "",
    source: FromQuery[str] = "",
    level: FromQuery[str] = "",
    username: FromQuery[str] = "",
    rating: FromQuery[int] = 0,
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    deleted: FromQuery[str] = "",
) -> ConsultationFilter:
    """What a list of consultations is asked for; for the API and the pages."""
    return ConsultationFilter(q.strip(), source, level, username.strip(), rating, since, until, deleted == "true")


class Everyones(Controller):
    """What both lists share. `listing` says whose rows are hidden and brought back."""

    guards = (require_admin,)
    listing: Listing

    @delete("/{row_id:str}")
    async def remove(
        self,
        row_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> None:
        """Hide it from everyone; it can be brought back for thirty days."""
        await anyio.to_thread.run_sync(self.listing.hide, database, account, row_id, address_of(request))

    @post("/{row_id:str}/restore", status_code=204)
    async def restore(
        self,
        row_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> None:
        """Bring it back."""
        await anyio.to_thread.run_sync(self.listing.bring_back, database, account, row_id, address_of(request))


class EveryonesStudyController(Everyones):
    path = "/admin/studies"
    listing = studies.LISTING
    dependencies = {"wanted": study_filter}  # noqa: RUF012
    tags = ("studies",)

    @get()
    async def list_all(
        self,
        wanted: NamedDependency[StudyFilter],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        before: FromQuery[str | None] = None,
    ) -> StudyLines:
        """Everyone's studies, newest first."""
        return await anyio.to_thread.run_sync(studies.list_all, database, account, wanted, before, address_of(request))

    @get("/export")
    async def export(
        self,
        wanted: NamedDependency[StudyFilter],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        kind: FromQuery[str] = "csv",
    ) -> Response[bytes]:
        """All that match; `kind` csv or json."""
        return await _exported(studies.export, self.path, database, account, wanted, kind, request)


class EveryonesConsultationController(Everyones):
    path = "/admin/consultations"
    listing = consultations.LISTING
    dependencies = {"wanted": consultation_filter}  # noqa: RUF012
    tags = ("consultations",)

    @get()
    async def list_all(
        self,
        wanted: NamedDependency[ConsultationFilter],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        before: FromQuery[str | None] = None,
    ) -> ConsultationLines:
        """Everyone's consultations, newest first."""
        address = address_of(request)
        return await anyio.to_thread.run_sync(consultations.list_all, database, account, wanted, before, address)

    @get("/export")
    async def export(
        self,
        wanted: NamedDependency[ConsultationFilter],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        kind: FromQuery[str] = "csv",
    ) -> Response[bytes]:
        """All that match, with their answers; `kind` csv or json."""
        return await _exported(consultations.export, self.path, database, account, wanted, kind, request)


async def _exported(
    export: Callable[..., bytes],
    path: str,
    database: Database,
    account: Account,
    wanted: object,
    kind: str,
    request: Request,
) -> Response[bytes]:
    """As a file named for what is in it."""
    content = await anyio.to_thread.run_sync(export, database, account, wanted, kind, address_of(request))
    name = path.rpartition("/")[2]
    if kind == "json":
        return download(content, f"xiangyi-{name}.json", "application/json")
    return download(content, f"xiangyi-{name}.csv")
