"""All that the box holds of a person, for them to take along: one ZIP of JSON and pictures."""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any

import anyio.to_thread
import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import Stream

from appliance import audit
from appliance.articles import comments
from appliance.auth.accounts import get_person
from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.consultations import services as consultations
from appliance.database import Database
from appliance.settings import Settings
from appliance.storage import Storage, chunks_of, disk_errors
from appliance.studies import services as studies

PARTS = ("source", "mask", "overlay")
_SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/tiff": "tif"}


@get("/accounts/me/export", tags=["accounts"])
async def export_own_data(
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    storage: NamedDependency[Storage],
    settings: NamedDependency[Settings],
) -> Stream:
    """Account, studies with their pictures, consultations and comments as one ZIP."""
    file = await anyio.to_thread.run_sync(pack, settings, database, storage, account, address_of(request))
    headers = {"Content-Disposition": 'attachment; filename="xiangyi-my-data.zip"', "Cache-Control": "no-store"}
    return Stream(_chunks(file), media_type="application/zip", headers=headers)


def pack(settings: Settings, database: Database, storage: Storage, account: Account, address: str) -> IO[bytes]:
    """The archive as an open file that has no name, and so ends with the process or when it is closed. Raises
    OutOfSpace."""
    with disk_errors():
        file = tempfile.TemporaryFile(dir=settings.data_dir)  # noqa: SIM115 - whoever sends it closes it
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            _put(archive, "account.json", get_person(database, account.id))
            _put(archive, "consultations.json", consultations.export(database, account, address))
            _put(archive, "comments.json", comments.own(database, account))
            every = list(_studies(database, account))
            _put(archive, "studies.json", every)
            for study in every:
                for part in PARTS:
                    _put_pictures(archive, database, storage, study.id, part)
        file.flush()
    database.write(lambda db: audit.record(db, account.id, "account.export_own", account.id, address))
    file.seek(0)
    return file


def _studies(database: Database, account: Account) -> Iterator[Any]:
    before = None
    while True:
        page = studies.list_own(database, account, before)
        yield from page.items
        if page.next is None:
            return
        before = page.next


def _put(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    plain = msgspec.to_builtins(content)
    archive.writestr(name, json.dumps(plain, ensure_ascii=False, indent=2))


def _put_pictures(archive: zipfile.ZipFile, database: Database, storage: Storage, study_id: str, part: str) -> None:
    for image in studies.images_of(database, study_id):
        if sha256 := image[f"{part}_sha256"]:
            suffix = _SUFFIXES[studies.PARTS[part] or image["media_type"]]
            name = f"studies/{study_id}/{image['position'] + 1}-{part}.{suffix}"
            archive.write(storage.path(sha256), name, zipfile.ZIP_STORED)  # a picture is compressed already


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        yield from chunks_of(file)
