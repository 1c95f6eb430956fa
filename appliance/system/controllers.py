"""Jobs, audit log, language models, for admins."""

import anyio.to_thread
import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from appliance import language_models
from appliance.auth.controllers import address_of
from appliance.auth.guards import require_admin
from appliance.auth.services import Account
from appliance.database import Database
from appliance.settings import Settings
from appliance.sheets import download
from appliance.system import audit_log, job_list
from appliance.system.audit_log import AuditFilter, AuditLines
from appliance.system.job_list import JobLines


class Retried(msgspec.Struct, rename="camel"):
    jobs: int


class JobController(Controller):
    path = "/jobs"
    guards = (require_admin,)
    tags = ("system",)

    @get()
    async def list_all(
        self,
        database: NamedDependency[Database],
        status: FromQuery[str] = "",
        before: FromQuery[str | None] = None,
    ) -> JobLines:
        """Jobs, newest first."""
        return await anyio.to_thread.run_sync(job_list.list_all, database, status, before)

    @post("/retry", status_code=200)
    async def retry_all(
        self, request: Request, account: NamedDependency[Account], database: NamedDependency[Database]
    ) -> Retried:
        """Another try for every failed job."""
        return Retried(await anyio.to_thread.run_sync(job_list.retry_all, database, account, address_of(request)))

    @post("/{job_id:str}/retry", status_code=204)
    async def retry(
        self,
        job_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> None:
        """Another try for a failed job."""
        await anyio.to_thread.run_sync(job_list.retry, database, account, job_id, address_of(request))


async def audit_filter(
    username: FromQuery[str] = "",
    action: FromQuery[str] = "",
    subject: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
) -> AuditFilter:
    """What the audit log is asked for."""
    return AuditFilter(username, action, subject, since, until)


class AuditController(Controller):
    path = "/audit"
    guards = (require_admin,)
    dependencies = {"wanted": audit_filter}  # noqa: RUF012
    tags = ("system",)

    @get()
    async def search(
        self,
        wanted: NamedDependency[AuditFilter],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        before: FromQuery[str | None] = None,
    ) -> AuditLines:
        """Who did what, newest first."""
        return await anyio.to_thread.run_sync(audit_log.search, database, account, wanted, before, address_of(request))

    @get("/export")
    async def export(
        self,
        wanted: NamedDependency[AuditFilter],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> Response[bytes]:
        """The same as CSV."""
        content = await anyio.to_thread.run_sync(audit_log.export, database, account, wanted, address_of(request))
        return download(content, "xiangyi-audit.csv")


class LanguageModelController(Controller):
    path = "/language-models"
    guards = (require_admin,)
    tags = ("system",)

    @post("/{name:str}/use", status_code=204)
    async def use(
        self,
        name: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> None:
        """Answer with this model from now on; the language model's process takes it by itself."""
        await anyio.to_thread.run_sync(
            language_models.use_audited, database, settings, account, name, address_of(request)
        )
