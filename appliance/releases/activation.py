"""Which release of an organ is served. A row says so; the worker reads it before each job, so nothing restarts."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlite_utils

from appliance import audit, jobs
from appliance.clock import utc_now
from appliance.database import Database, row, rows
from appliance.engines import Engines
from appliance.errors import Conflict, NotFound
from appliance.releases import shelf
from appliance.releases.proof import reason_zh
from model import release

if TYPE_CHECKING:
    from appliance.engines import Segmenter

log = logging.getLogger(__name__)
OPEN = "open_release"  # the kind of job that takes an activation up at once; its subject is the organ


def newest_built_in(organ: str) -> str | None:
    """What is served when nobody has chosen."""
    folder = release.newest(organ)
    return folder.name if folder else None


def active(db: sqlite_utils.Database, organ: str) -> str | None:
    """The version that is served: the last one activated that did not fail, else the newest built-in one."""
    found = _last_good(db, organ)
    return found["version"] if found else newest_built_in(organ)


def history(db: sqlite_utils.Database, organ: str, limit: int = 20) -> list[dict[str, Any]]:
    """The organ's activations, newest first, with who and what went wrong."""
    sql = (
        "SELECT v.*, a.username FROM activations v LEFT JOIN accounts a ON a.id = v.account_id"
        " WHERE organ = ? ORDER BY v.id DESC LIMIT ?"
    )
    return rows(db, sql, organ, limit)


def problem(db: sqlite_utils.Database, organ: str) -> dict[str, Any] | None:
    """The last activation when it failed and another release is served in its place."""
    last = row(db, "SELECT * FROM activations WHERE organ = ? ORDER BY id DESC LIMIT 1", organ)
    return last if last and last["failure"] else None


def activate(
    database: Database, releases_dir: Path, organ: str, version: str, account_id: str | None, address: str
) -> None:
    """Serve that release from the next job on. Raises ReleaseNotFound, Conflict when it is served already."""
    shelf.find(releases_dir, organ, version)

    def insert(db: sqlite_utils.Database) -> None:
        if active(db, organ) == version:
            raise Conflict("这个版本正在使用。", "release_active")
        _insert(db, organ, version, account_id)
        audit.record(db, account_id, "release.activate", f"{organ}/{version}", address)

    database.write(insert)


def roll_back(database: Database, organ: str, account_id: str | None, address: str) -> str:
    """Serve what was served before; returns its version. Raises NotFound when nothing was."""

    def insert(db: sqlite_utils.Database) -> str:
        before = _before(db, organ)
        if before is None:
            raise NotFound("没有可以退回的版本。", "release_no_previous")
        _insert(db, organ, before, account_id)
        audit.record(db, account_id, "release.roll_back", f"{organ}/{before}", address)
        return before

    return database.write(insert)


def previous(db: sqlite_utils.Database, organ: str) -> str | None:
    """What a roll-back would serve, or None."""
    return _before(db, organ)


def segmenter_for(database: Database, engines: Engines, organ: str) -> "Segmenter":
    """The active release's segmenter. One that will not load is marked, and the one before it is served.

    Raises what `Engines.segmenter` raises when not even the built-in release loads.
    """
    while True:
        chosen = database.read(lambda db: _last_good(db, organ))
        if chosen is None:
            return engines.segmenter(organ)
        try:
            return engines.segmenter(organ, shelf.find(engines.releases_dir, organ, chosen["version"]))
        except Exception as error:
            log.exception("release %s %s cannot be served", organ, chosen["version"])
            told = reason_zh(error)
            database.write(lambda db, found=chosen, told=told: _mark(db, found, told))  # type: ignore[misc]


def _mark(db: sqlite_utils.Database, chosen: dict[str, Any], told: str) -> None:
    db.conn.execute("UPDATE activations SET failure = ? WHERE id = ?", (told, chosen["id"]))
    audit.record(db, None, "release.fall_back", f"{chosen['organ']}/{chosen['version']}")


def _insert(db: sqlite_utils.Database, organ: str, version: str, account_id: str | None) -> None:
    facts = {"organ": organ, "version": version, "at": utc_now(), "account_id": account_id}
    db.table("activations").insert(facts)
    jobs.enqueue(db, OPEN, organ)


def _last_good(db: sqlite_utils.Database, organ: str) -> dict[str, Any] | None:
    return row(db, "SELECT * FROM activations WHERE organ = ? AND failure IS NULL ORDER BY id DESC LIMIT 1", organ)


def _before(db: sqlite_utils.Database, organ: str) -> str | None:
    """The version served before the one that is; what came with the box stands before the first activation."""
    good = rows(db, "SELECT version FROM activations WHERE organ = ? AND failure IS NULL ORDER BY id DESC", organ)
    versions = [found["version"] for found in good]
    if not versions:
        return None
    first = newest_built_in(organ)
    if first:
        versions.append(first)
    return next((version for version in versions if version != versions[0]), None)
