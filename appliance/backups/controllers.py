"""Back up now, and what became of the last ones; for admins."""

import anyio.to_thread
from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from appliance.auth.controllers import address_of
from appliance.auth.guards import require_admin
from appliance.auth.services import Account
from appliance.backups import services
from appliance.backups.services import BackupOut
from appliance.database import Database
from appliance.settings import Settings


class BackupController(Controller):
    path = "/backups"
    guards = (require_admin,)
    tags = ("system",)

    @get()
    async def list_last(
        self, database: NamedDependency[Database], settings: NamedDependency[Settings]
    ) -> list[BackupOut]:
        """The last backups, newest first."""
        return await anyio.to_thread.run_sync(services.list_last, database, settings)

    @post(status_code=202)
    async def start(
        self,
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> BackupOut:
        """202: a backup begins."""
        address = address_of(request)
        return await anyio.to_thread.run_sync(services.start, database, settings, account.id, address)

    @delete("/{backup_id:str}")
    async def remove(
        self,
        backup_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> None:
        """A backup's file for good; 409 for the newest good one."""
        address = address_of(request)
        await anyio.to_thread.run_sync(services.remove, database, settings, account.id, backup_id, address)
