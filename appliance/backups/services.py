"""Back up in a thread of the web process, one at a time; every backup leaves a row that says how it ended."""

import fcntl
import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import sqlite_utils

from appliance import audit
from appliance.backup import BackupError, back_up
from appliance.backups.folder import make_ready, next_path, rotate
from appliance.clock import utc_now
from appliance.database import Database, row, rows
from appliance.errors import Conflict, NotFound
from appliance.settings import Settings

log = logging.getLogger(__name__)
LISTED = 20


class BackupOut(msgspec.Struct, rename="camel"):
    """`state`: running, succeeded, failed, removed by rotation, or interrupted when the box stopped in its midst."""

    id: str
    path: str
    state: str
    started_at: str
    finished_at: str | None
    files: int | None
    size_bytes: int | None
    error: str | None


class BackupNotFound(NotFound):
    code, message = "backup_not_found", "找不到这个备份，它可能已被删除。"


class BackupRunning(Conflict):
    code, message = "backup_running", "正在备份，请等它结束。"


def start(database: Database, settings: Settings, account_id: str, address: str) -> BackupOut:
    """Begin a backup into the backups' folder; returns at once. Raises BackupRunning."""
    if _is_running(settings):
        raise BackupRunning()
    path = next_path(settings, datetime.now())
    backup_id = _begin(database, path, account_id, address)
    thread = threading.Thread(target=_run, args=(database, settings, backup_id, path), name="backup", daemon=True)
    thread.start()
    return get(database, settings, backup_id)


def run_now(database: Database, settings: Settings, path: Path, plain: bool = False) -> int:
    """Back up from the terminal, and leave the same row; returns the number of files. Raises BackupError."""
    backup_id = _begin(database, path.resolve(), None, "terminal")
    return _finish(database, settings, backup_id, path, plain)


def run_scheduled(database: Database, settings: Settings) -> Path:
    """Back up by the clock into the backups' folder, then let old ones go; returns the new one. Raises BackupError."""
    path = next_path(settings, datetime.now())
    _finish(database, settings, _begin(database, path, None, "timer"), path)
    gone = [str(each) for each in rotate(settings, path)]

    def note(db: sqlite_utils.Database) -> None:
        for each in gone:
            db.execute("UPDATE backups SET removed_at = ? WHERE path = ?", [utc_now(), each])

    database.write(note)
    return path


def list_last(database: Database, settings: Settings) -> list[BackupOut]:
    """The last backups, newest first."""
    found = database.read(lambda db: rows(db, "SELECT * FROM backups ORDER BY started_at DESC LIMIT ?", LISTED))
    running = _is_running(settings)
    return [_out(each, running and number == 0) for number, each in enumerate(found)]


def get(database: Database, settings: Settings, backup_id: str) -> BackupOut:
    """One backup as far as it is."""
    return next(each for each in list_last(database, settings) if each.id == backup_id)


def remove(database: Database, settings: Settings, account_id: str, backup_id: str, address: str) -> None:
    """A backup's file and its row. Raises BackupNotFound, BackupRunning, and Conflict for the newest good one and for
    one that lies elsewhere: whoever put it there sees to it."""
    found = database.read(lambda db: row(db, "SELECT * FROM backups WHERE id = ?", backup_id))
    if found is None:
        raise BackupNotFound()
    if _out(found, _is_running(settings)).state == "running":
        raise BackupRunning()
    path = Path(found["path"])
    if path.parent != settings.backups_dir and path.exists():
        raise Conflict("这个备份不在备份文件夹里，请在本机上删除文件。", "backup_elsewhere")
    good = "SELECT id FROM backups WHERE finished_at IS NOT NULL AND error IS NULL ORDER BY started_at DESC LIMIT 1"

    def take(db: sqlite_utils.Database) -> None:
        newest = row(db, good)
        if newest and newest["id"] == backup_id and path.exists():
            raise Conflict("这是最近一次成功的备份，不能删除；请先做一次新的备份。", "backup_newest")
        db.conn.execute("DELETE FROM backups WHERE id = ?", (backup_id,))
        audit.record(db, account_id, "backup.delete", backup_id, address)
        path.unlink(missing_ok=True)  # in the transaction: when it fails, the row stays

    database.write(take)


def last_success(database: Database) -> datetime | None:
    """When the last backup that succeeded was begun: what came later is not in it. One dated ahead, by a clock that has
    been set right since, tells nothing: it would pass for new until its day comes."""
    sql = """SELECT max(started_at) AS at FROM backups
             WHERE finished_at IS NOT NULL AND error IS NULL AND started_at <= ?"""
    found = database.read(lambda db: row(db, sql, utc_now()))
    return datetime.fromisoformat(found["at"]).astimezone(UTC) if found and found["at"] else None


def last_trouble(database: Database, settings: Settings) -> str:
    """Why the last backup that is over is none, or nothing when it is one."""
    over = [each for each in list_last(database, settings) if each.state != "running"]
    if not over or over[0].state == "succeeded":
        return ""
    if over[0].state == "removed":  # rotation spares the newest: a box whose clock was wrong may have lost it before
        return "最近一次备份的文件已被清除。"
    return over[0].error or "备份时本机断电或停机，没有完成。"


def _begin(database: Database, path: Path, account_id: str | None, address: str) -> str:
    backup_id = secrets.token_hex(12)

    def insert(db: sqlite_utils.Database) -> None:
        db.table("backups").insert({"id": backup_id, "path": str(path), "started_at": utc_now()})
        audit.record(db, account_id, "backup.create", backup_id, address)

    database.write(insert)
    return backup_id


def _run(database: Database, settings: Settings, backup_id: str, path: Path) -> None:
    try:
        _finish(database, settings, backup_id, path)
    except Exception:  # the row says what went wrong; the web process goes on
        log.exception("backup %s failed", backup_id)


def _finish(database: Database, settings: Settings, backup_id: str, path: Path, plain: bool = False) -> int:
    facts: dict[str, Any] = {}
    try:
        with _alone(settings):
            if path.parent == settings.backups_dir:
                make_ready(settings)
            facts = {"files": back_up(settings, path, plain), "size_bytes": path.stat().st_size}
        return facts["files"]
    except (BackupError, BackupRunning, OSError) as error:
        facts = {"error": str(error)}
        raise
    finally:
        facts = facts or {"error": "备份时程序出错，请查看日志。"}
        database.write(lambda db: db.table("backups").update(backup_id, {**facts, "finished_at": utc_now()}))


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold what says that a backup runs; it ends with the process, however that ends. Raises BackupRunning."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / "backup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupRunning() from error
        yield


def _is_running(settings: Settings) -> bool:
    try:
        with _alone(settings):
            return False
    except BackupRunning:
        return True


def _out(found: dict[str, Any], running: bool) -> BackupOut:
    if found["finished_at"]:
        state = "failed" if found["error"] else "removed" if found["removed_at"] else "succeeded"
    else:
        just_begun = (datetime.now(UTC) - datetime.fromisoformat(found["started_at"])).total_seconds() < 5
        state = "running" if running or just_begun else "interrupted"
    return BackupOut(**{name: found.get(name, state) for name in BackupOut.__struct_fields__})
