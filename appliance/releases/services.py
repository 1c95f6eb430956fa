"""List, read, bring in and prove releases."""

import json
import logging
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import msgspec
import sqlite_utils

from appliance import audit, jobs
from appliance.clock import utc_now
from appliance.database import Database, row, rows
from appliance.engines import Engines
from appliance.errors import Conflict, NotFound, TooLarge
from appliance.jobs import Job
from appliance.releases import activation, proof, shelf
from appliance.releases.archive import MAX_ARCHIVE_BYTES, ReleaseRefused, unpack
from appliance.releases.figures import card_of, figures_of
from appliance.releases.schemas import (
    ActivationOut,
    ArrivalOut,
    OrganReleases,
    ReleaseDetail,
    ReleaseOut,
    ReleasesOut,
)
from appliance.storage import Storage, chunks_of
from model import release
from model.release import ReleaseError
from model.tasks import TASKS

log = logging.getLogger(__name__)
INSTALL = "install_release"  # the kind of job
ARRIVALS = 20


def list_all(database: Database, releases_dir: Path) -> ReleasesOut:
    """Every organ's releases, and the last archives that came in."""

    def read(db: sqlite_utils.Database) -> ReleasesOut:
        organs = [_organ(db, releases_dir, organ) for organ in TASKS]
        found = rows(db, "SELECT * FROM releases ORDER BY created_at DESC LIMIT ?", ARRIVALS)
        return ReleasesOut(organs, [_arrival(each) for each in found])

    return database.read(read)


def get(database: Database, releases_dir: Path, organ: str, version: str) -> ReleaseDetail:
    """One release with its card and figures. Raises ReleaseNotFound."""
    folder = shelf.find(releases_dir, organ, version)
    serving = database.read(lambda db: activation.active(db, organ))
    # The generated column and its index count without reading a single study.
    sql = "SELECT count(*) AS n FROM studies WHERE version = ? AND organ = ?"
    made = database.read(lambda db: row(db, sql, version, organ))
    opened = release.load(folder, verify_hashes=False)
    figures, protocol = figures_of(folder)
    return ReleaseDetail(
        **msgspec.structs.asdict(_out(folder, releases_dir, serving)),
        card=card_of(folder),
        figures=figures,
        protocol=protocol,
        thresholds={label.name_zh: t for label, t in zip(opened.labels, opened.thresholds, strict=True)},
        files=opened.files,
        studies=made["n"] if made else 0,
    )


def receive(
    database: Database, storage: Storage, name: str, file: IO[bytes], account_id: str | None, address: str
) -> ArrivalOut:
    """Store an archive and queue its proof. Raises TooLarge."""
    arrival = _store(database, storage, name, file, account_id, address, queue=True)
    return arrival_of(database, arrival)


def arrival_of(database: Database, arrival_id: str) -> ArrivalOut:
    """How far an archive that came in is. Raises NotFound."""
    found = database.read(lambda db: row(db, "SELECT * FROM releases WHERE id = ?", arrival_id))
    if found is None:
        raise NotFound()
    return _arrival(found)


def install_file(database: Database, storage: Storage, releases_dir: Path, path: Path) -> ArrivalOut:
    """Bring in an archive from the terminal, proven before this returns. Raises TooLarge."""
    with path.open("rb") as file:
        arrival = _store(database, storage, path.name, file, None, "terminal", queue=False)
    database.write(_install(database, storage, releases_dir, arrival))
    return arrival_of(database, arrival)


def install_release(
    database: Database, storage: Storage, engines: Engines, job: Job
) -> Callable[[sqlite_utils.Database], None]:
    """The job that unpacks and proves an archive; what is refused is no failure of the job."""
    return _install(database, storage, engines.releases_dir, job.subject_id)


def open_release(
    database: Database, storage: Storage, engines: Engines, job: Job
) -> Callable[[sqlite_utils.Database], None]:
    """The job that takes an activation up before the next study needs it."""
    bring_back_lost(database, storage, engines.releases_dir)
    activation.segmenter_for(database, engines, job.subject_id)
    return lambda _db: None


def bring_back_lost(database: Database, storage: Storage, releases_dir: Path) -> None:
    """Unpack anew what is not on the shelf: a backup holds the archives, not their folders."""
    for each in database.read(lambda db: rows(db, "SELECT * FROM releases WHERE state = 'ready'")):
        if (releases_dir / each["organ"] / each["version"]).exists():
            continue
        scratch = _scratch(releases_dir)
        try:
            unpack(storage.path(each["archive_sha256"]), scratch)
            shelf.put(releases_dir, scratch, each["organ"], each["version"])
        except (ReleaseRefused, OSError):
            # Whoever wants to serve it will find it missing, and fall back.
            log.exception("release %s %s cannot be brought back", each["organ"], each["version"])
            shutil.rmtree(scratch, ignore_errors=True)


def _store(
    database: Database,
    storage: Storage,
    name: str,
    file: IO[bytes],
    account_id: str | None,
    address: str,
    queue: bool,
) -> str:
    if file.seek(0, 2) > MAX_ARCHIVE_BYTES:
        raise TooLarge(f"压缩包超过 {MAX_ARCHIVE_BYTES // 2**20} MB。", "release_too_large")
    file.seek(0)
    stored, arrival_id = storage.write(chunks_of(file)), secrets.token_hex(12)
    facts = {"id": arrival_id, "file_name": name[-120:], "archive_sha256": stored.sha256, "state": "checking"}

    def insert(db: sqlite_utils.Database) -> None:
        db.table("releases").insert({**facts, "created_at": utc_now(), "created_by": account_id})
        if queue:
            jobs.enqueue(db, INSTALL, arrival_id)
        audit.record(db, account_id, "release.upload", arrival_id, address)

    database.write(insert)
    return arrival_id


def _install(
    database: Database, storage: Storage, releases_dir: Path, arrival_id: str
) -> Callable[[sqlite_utils.Database], None]:
    """Unpack and prove; returns what keeps the verdict."""
    found = database.read(lambda db: row(db, "SELECT * FROM releases WHERE id = ?", arrival_id))
    if found is None:
        return lambda _db: None
    scratch = _scratch(releases_dir)
    verdict: dict[str, Any]
    try:
        unpack(storage.path(found["archive_sha256"]), scratch)
        opened = proof.inspect(scratch)
        _check_new(database, opened.organ, opened.version)
        proof.prove_apart(scratch)
        shelf.put(releases_dir, scratch, opened.organ, opened.version)
        verdict = {"state": "ready", "organ": opened.organ, "version": opened.version}
    except (ReleaseRefused, Conflict) as error:
        verdict = {"state": "refused", "reason": error.message}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return lambda db: db.table("releases").update(arrival_id, verdict)  # type: ignore[return-value]


def _check_new(database: Database, organ: str, version: str) -> None:
    """By the row, not by the folder: one whose row was never committed is left of a crash, and may be replaced."""
    sql = "SELECT 1 FROM releases WHERE organ = ? AND version = ?"
    known = database.read(lambda db: row(db, sql, organ, version))
    if known or any(folder.name == version for folder in shelf.built_in(organ)):
        told = f"{TASKS[organ].name_zh} {version} 已经存在，版本一经发布不可更改，请换一个版本号。"
        raise Conflict(told, "release_known")


def _scratch(releases_dir: Path) -> Path:
    return releases_dir / f".incoming-{secrets.token_hex(6)}"


def _organ(db: sqlite_utils.Database, releases_dir: Path, organ: str) -> OrganReleases:
    serving, failed = activation.active(db, organ), activation.problem(db, organ)
    folders = shelf.built_in(organ) + shelf.uploaded(releases_dir, organ)
    return OrganReleases(
        organ,
        serving,
        activation.previous(db, organ),
        f"{failed['version']} 未能启用，已改用 {serving}：{failed['failure']}" if failed else None,
        [_out(folder, releases_dir, serving) for folder in folders],
        [
            ActivationOut(each["version"], each["at"], each["username"], each["failure"])
            for each in activation.history(db, organ)
        ],
    )


def _out(folder: Path, releases_dir: Path, serving: str | None) -> ReleaseOut:
    """What the folder's release.json says; one that is damaged by now is told by name alone."""
    organ, version = folder.parent.name, folder.name
    origin = "uploaded" if folder.is_relative_to(releases_dir) else "built-in"
    try:
        opened = release.load(folder, verify_hashes=False)
        name, sha256, created_at = opened.name, opened.sha256, opened.created_at
    except (ReleaseError, json.JSONDecodeError):
        name, sha256, created_at = "已损坏", "", ""
    return ReleaseOut(organ, version, name, origin, sha256, created_at, version == serving)


def _arrival(found: dict[str, Any]) -> ArrivalOut:
    names = ("id", "file_name", "state", "reason", "organ", "version", "created_at")
    return ArrivalOut(**{name: found[name] for name in names})
