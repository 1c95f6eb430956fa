"""Hand in a corrected mask, read the versions, take one back."""

import anyio
import anyio.to_thread
from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import File

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.database import Database
from appliance.settings import Settings
from appliance.storage import Storage
from appliance.studies import corrections
from appliance.studies.controllers import POLL_S, Wait, picture_file
from appliance.studies.schemas import CorrectionOut, CorrectionPage


class CorrectionController(Controller):
    path = "/studies/{study_id:str}/images/{position:int}/corrections"
    request_max_body_size = corrections.MASK_BYTES + 1024
    tags = ("corrections",)

    @post(status_code=202)
    async def submit(
        self,
        study_id: FromPath[str],
        position: FromPath[int],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
        wait: Wait = 0,
    ) -> Response[CorrectionOut]:
        """The body is a PNG of label indices (8 bits, one channel) of the image's size: 202, or 201 once measured."""
        place, content = (study_id, position), await request.body()
        made = await anyio.to_thread.run_sync(
            corrections.submit, database, storage, settings.limits, account, place, content, address_of(request)
        )
        with anyio.move_on_after(wait):
            while not made.ended:
                await anyio.sleep(POLL_S)
                made = await anyio.to_thread.run_sync(corrections.find, database, account, place, made.id)
        return Response(made, status_code=201 if made.ended else 202)

    @get()
    async def list_all(
        self,
        study_id: FromPath[str],
        position: FromPath[int],
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> CorrectionPage:
        """All versions that people made of this image's mask, oldest first."""
        return await anyio.to_thread.run_sync(corrections.list_all, database, account, (study_id, position))

    @get("/{correction_id:str}")
    async def read(
        self,
        study_id: FromPath[str],
        position: FromPath[int],
        correction_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> CorrectionOut:
        """One version."""
        place, address = (study_id, position), address_of(request)
        return await anyio.to_thread.run_sync(
            corrections.read_audited, database, account, place, correction_id, address
        )

    @get("/{correction_id:str}/{part:str}")
    async def read_part(
        self,
        study_id: FromPath[str],
        position: FromPath[int],
        correction_id: FromPath[str],
        part: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        storage: NamedDependency[Storage],
        download: FromQuery[bool] = False,
    ) -> File:
        """A picture of a version: `mask`, `layer` or `overlay`."""
        place, address = (study_id, position), address_of(request)
        found = await anyio.to_thread.run_sync(
            corrections.find_part, database, storage, account, place, correction_id, part, address
        )
        return picture_file(found, download)

    @delete("/{correction_id:str}")
    async def take_back(
        self,
        study_id: FromPath[str],
        position: FromPath[int],
        correction_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> None:
        """Hide a version; only who drew it or an admin may."""
        place, address = (study_id, position), address_of(request)
        await anyio.to_thread.run_sync(corrections.take_back, database, account, place, correction_id, address)
