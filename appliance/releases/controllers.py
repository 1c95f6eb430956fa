"""Releases over HTTP, for admins: list, upload, compare, activate, roll back, delete."""

from typing import Annotated

import anyio.to_thread
from litestar import Controller, Request, delete, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody
from litestar.response import File

from appliance.auth.controllers import address_of
from appliance.auth.guards import require_admin
from appliance.auth.services import Account
from appliance.database import Database
from appliance.errors import Invalid
from appliance.releases import activation, comparison, removal, services
from appliance.releases.archive import MAX_ARCHIVE_BYTES
from appliance.releases.schemas import (
    ArrivalOut,
    Compare,
    ComparisonOut,
    ReleaseDetail,
    ReleasesOut,
    RolledBack,
)
from appliance.settings import Settings
from appliance.storage import Storage


class ReleaseController(Controller):
    path = "/releases"
    guards = (require_admin,)
    request_max_body_size = MAX_ARCHIVE_BYTES + 1024 * 1024
    tags = ("releases",)

    @get()
    async def list_all(self, database: NamedDependency[Database], settings: NamedDependency[Settings]) -> ReleasesOut:
        """Each organ's releases, which one is served, and the archives that came in."""
        return await anyio.to_thread.run_sync(services.list_all, database, settings.releases_dir)

    @post(status_code=202)
    async def upload(
        self,
        data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        storage: NamedDependency[Storage],
    ) -> ArrivalOut:
        """202: the archive (zip or tar.gz) in `file` is stored and will be proven; ask for its arrival."""
        file, address = _file(data), address_of(request)
        return await anyio.to_thread.run_sync(
            services.receive, database, storage, file.filename or "", file.file, account.id, address
        )

    @get("/arrivals/{arrival_id:str}")
    async def arrival(self, arrival_id: FromPath[str], database: NamedDependency[Database]) -> ArrivalOut:
        """How far an uploaded archive is."""
        return await anyio.to_thread.run_sync(services.arrival_of, database, arrival_id)

    @get("/{organ:str}/{version:str}")
    async def read(
        self,
        organ: FromPath[str],
        version: FromPath[str],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> ReleaseDetail:
        """One release with its card, figures and hashes."""
        return await anyio.to_thread.run_sync(services.get, database, settings.releases_dir, organ, version)

    @delete("/{organ:str}/{version:str}")
    async def remove(
        self,
        organ: FromPath[str],
        version: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> None:
        """Take an uploaded release away for good; 409 for the one that is served and for built-in ones."""
        folder, address = settings.releases_dir, address_of(request)
        await anyio.to_thread.run_sync(removal.remove, database, folder, organ, version, account.id, address)

    @post("/{organ:str}/{version:str}/activation", status_code=204)
    async def activate(
        self,
        organ: FromPath[str],
        version: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> None:
        """Serve it from the next job on."""
        folder, address = settings.releases_dir, address_of(request)
        await anyio.to_thread.run_sync(activation.activate, database, folder, organ, version, account.id, address)

    @post("/{organ:str}/rollback", status_code=200)
    async def roll_back(
        self,
        organ: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> RolledBack:
        """Serve what was served before."""
        address = address_of(request)
        return RolledBack(await anyio.to_thread.run_sync(activation.roll_back, database, organ, account.id, address))


class ComparisonController(Controller):
    path = "/comparisons"
    guards = (require_admin,)
    request_max_body_size = 256 * 1024
    tags = ("releases",)

    @post(status_code=202)
    async def start(
        self,
        data: JSONBody[Compare],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> ComparisonOut:
        """202: both releases will segment the chosen studies' images."""
        folder, address = settings.releases_dir, address_of(request)
        made = await anyio.to_thread.run_sync(comparison.start, database, folder, account, data, address)
        return await anyio.to_thread.run_sync(comparison.get, database, made)

    @get("/{comparison_id:str}")
    async def read(self, comparison_id: FromPath[str], database: NamedDependency[Database]) -> ComparisonOut:
        """A comparison as far as it is."""
        return await anyio.to_thread.run_sync(comparison.get, database, comparison_id)

    @get("/{comparison_id:str}/images/{position:int}/{side:str}")
    async def picture(
        self,
        comparison_id: FromPath[str],
        position: FromPath[int],
        side: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        storage: NamedDependency[Storage],
    ) -> File:
        """The overlay of one side: `candidate` or `active`."""
        address = address_of(request)
        path = await anyio.to_thread.run_sync(
            comparison.picture, database, storage, account, comparison_id, position, side, address
        )
        headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return File(path, media_type="image/jpeg", content_disposition_type="inline", headers=headers)


def _file(data: dict[str, UploadFile]) -> UploadFile:
    file = data.get("file")
    if not isinstance(file, UploadFile):
        raise Invalid("没有收到文件，请选择后提交。", "file_missing")
    return file
