"""Submit a study, wait for it, read it, fetch its pictures."""

from typing import Annotated

import anyio
import anyio.to_thread
import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, MultipartBody, QueryParameter
from litestar.response import File

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.database import Database
from appliance.errors import Invalid
from appliance.settings import Settings
from appliance.storage import Storage
from appliance.studies import samples, services
from appliance.studies.orders import Order
from appliance.studies.schemas import StudyOut, StudyPage
from appliance.studies.services import Part, Upload

POLL_S = 0.02
MAX_WAIT_S = 60
Wait = Annotated[float, QueryParameter(ge=0, le=MAX_WAIT_S, description="seconds to wait for the result")]


class StudyForm(msgspec.Struct):
    """The multipart form: one or more files, the organ they show, whether to take the careful mode's time, and the
    spacing of pixels and slices where it is known."""

    organ: str | None = None
    careful: bool = False
    pixel_mm: float | None = msgspec.field(name="pixelMm", default=None)
    slice_mm: float | None = msgspec.field(name="sliceMm", default=None)
    file: list[UploadFile] | None = None


class SampleIn(msgspec.Struct):
    organ: str


async def wait_until_ended(database: Database, account: Account, study_id: str, seconds: float) -> StudyOut:
    """The study as soon as it has ended, or as it stands after so many seconds. Raises StudyNotFound."""
    with anyio.move_on_after(seconds):
        while not (await anyio.to_thread.run_sync(services.get, database, account, study_id)).ended:
            await anyio.sleep(POLL_S)
    return await anyio.to_thread.run_sync(services.get, database, account, study_id)


def picture_file(part: Part, download: bool) -> File:
    """A stored picture as a response; `download` has the browser save it."""
    return File(
        part.path,
        filename=part.file_name,
        media_type=part.media_type,
        content_disposition_type="attachment" if download else "inline",
        headers={"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"},
    )


class StudyController(Controller):
    path = "/studies"
    tags = ("studies",)

    @post(status_code=202)
    async def submit(
        self,
        data: MultipartBody[StudyForm],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
        wait: Wait = 0,
    ) -> Response[StudyOut]:
        """Store the pictures and queue their segmentation: 202; with `wait`, 201 when it ended in time."""
        if data.organ is None:
            raise Invalid("请选择部位（organ）。", "organ_missing")
        files = data.file or []
        uploads = [Upload(file.filename or "", file.file) for file in files]
        order = Order(data.organ, data.careful, data.pixel_mm, data.slice_mm)
        study_id = await anyio.to_thread.run_sync(
            services.submit, database, storage, settings.limits, account, order, uploads, address_of(request)
        )
        study = await wait_until_ended(database, account, study_id, wait)
        return Response(study, status_code=201 if study.ended else 202)

    @post("/samples", status_code=202)
    async def submit_sample(
        self,
        data: JSONBody[SampleIn],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
        wait: Wait = 0,
    ) -> Response[StudyOut]:
        """Queue a phantom that the box draws itself, to try things out; its study's `source` is sample."""
        study_id = await anyio.to_thread.run_sync(
            samples.submit, database, storage, settings.limits, account, data.organ, address_of(request)
        )
        study = await wait_until_ended(database, account, study_id, wait)
        return Response(study, status_code=201 if study.ended else 202)

    @get()
    async def list_own(
        self,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        before: FromQuery[str | None] = None,
    ) -> StudyPage:
        """The own studies, newest first."""
        return await anyio.to_thread.run_sync(services.list_own, database, account, before)

    @get("/{study_id:str}")
    async def read(
        self,
        study_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        wait: Wait = 0,
    ) -> StudyOut:
        """One study; with `wait` the answer comes when it has ended, at the latest after so many seconds."""
        await wait_until_ended(database, account, study_id, wait)
        return await anyio.to_thread.run_sync(services.read_audited, database, account, study_id, address_of(request))

    @get("/{study_id:str}/images/{position:int}/{part:str}")
    async def read_part(
        self,
        study_id: FromPath[str],
        position: FromPath[int],
        part: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        storage: NamedDependency[Storage],
        download: FromQuery[bool] = False,
    ) -> File:
        """A picture: `source`, `view`, `layer`, `mask`, `overlay` or `confidence`; `download` saves it under a name."""
        found = await anyio.to_thread.run_sync(
            services.find_part, database, storage, account, study_id, position, part, address_of(request)
        )
        return picture_file(found, download)
