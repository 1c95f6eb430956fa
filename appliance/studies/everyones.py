"""Everyone's studies, for admins: filter, count, export, delete with undo, and purge what stayed deleted."""

import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
import sqlite_utils

from appliance import audit, lists
from appliance.auth.services import Account
from appliance.clock import utc_ago, utc_now
from appliance.database import Database, rows
from appliance.errors import StudyNotFound
from appliance.sheets import csv_bytes
from appliance.storage import Storage

KEPT_DAYS = 30  # how long a deleted study can be brought back
FRESH_S = 3600  # a row that names a file comes at most so long after it
_COLUMNS = (
    "s.rowid AS number, s.id, s.organ, s.status, s.created_at, s.version, s.total_ms, s.deleted_at, a.username,"
    " (SELECT count(*) FROM images i WHERE i.study_id = s.id) AS images"
)
_FROM = "studies s LEFT JOIN accounts a ON a.id = s.account_id"
_HEADER = ("检查编号", "部位", "状态", "账号", "提交时间", "图片数", "模型版本", "用时（毫秒）", "删除时间")


class StudyFilter(msgspec.Struct, frozen=True):
    """Empty texts ask for nothing. `since` and `until` are days; `deleted` shows what was deleted instead."""

    organ: str = ""
    status: str = ""
    username: str = ""
    version: str = ""
    since: str = ""
    until: str = ""
    deleted: bool = False


class StudyLine(msgspec.Struct, rename="camel"):
    id: str
    organ: str
    status: str
    username: str | None
    created_at: str
    images: int
    version: str | None
    total_ms: float | None
    deleted_at: str | None


class StudyLines(msgspec.Struct, rename="camel"):
    """A page of the list; `total` is at most one more than what is counted exactly."""

    items: list[StudyLine]
    next: str | None
    total: int


def list_all(database: Database, account: Account, wanted: StudyFilter, before: str | None, address: str) -> StudyLines:
    """Newest first. Raises Invalid for a date or a cursor that is none."""

    def read(db: sqlite_utils.Database) -> StudyLines:
        where = _where(db, wanted)
        total, found = lists.page(db, "studies s", "s", where, before, _query)
        items = [_line(each) for each in found[: lists.PAGE]]
        return StudyLines(items, lists.cursor_of(found[lists.PAGE - 1]) if len(found) > lists.PAGE else None, total)

    page = database.read(read)
    database.write(lambda db: audit.record(db, account.id, "study.list", "all", address))
    return page


def export(database: Database, account: Account, wanted: StudyFilter, kind: str, address: str) -> bytes:
    """All that match as CSV, or JSON when `kind` is "json"."""

    def read(db: sqlite_utils.Database) -> list[StudyLine]:
        return [_line(each) for each in _query(db, _where(db, wanted), lists.MOST_EXPORTED)]

    found = database.read(read)
    database.write(lambda db: audit.record(db, account.id, "study.export", "all", address))
    if kind == "json":
        return msgspec.json.encode(found)
    lines = (
        (s.id, s.organ, s.status, s.username, s.created_at, s.images, s.version, s.total_ms, s.deleted_at)
        for s in found
    )
    return csv_bytes(_HEADER, lines)


def versions(database: Database) -> list[str]:
    """The versions that made studies, to choose from: a loose index scan, one step for each."""
    sql = """WITH RECURSIVE v(version) AS (
        SELECT min(version) FROM studies UNION ALL
        SELECT (SELECT min(version) FROM studies WHERE version > v.version) FROM v WHERE v.version IS NOT NULL
    ) SELECT version FROM v WHERE version IS NOT NULL"""
    return database.read(lambda db: [each["version"] for each in rows(db, sql)])


def delete(database: Database, account: Account, study_id: str, address: str) -> None:
    """Hide a study from everyone; it can be brought back for KEPT_DAYS. Raises StudyNotFound."""
    _mark(database, account, study_id, "NULL", utc_now(), "study.delete", address)


def restore(database: Database, account: Account, study_id: str, address: str) -> None:
    """Bring a deleted study back. Raises StudyNotFound."""
    _mark(database, account, study_id, "NOT NULL", None, "study.restore", address)


def purge(database: Database, storage: Storage) -> int:
    """Take away for good what was deleted long enough ago, with the files that nothing else names."""
    sql = "SELECT id FROM studies WHERE deleted_at < ?"
    due = [each["id"] for each in database.read(lambda db: rows(db, sql, utc_ago(timedelta(days=KEPT_DAYS))))]
    names = {name for study_id in due for name in database.read(lambda db, s=study_id: _files(db, s))}  # type: ignore[misc]
    for study_id in due:
        database.write(lambda db, s=study_id: _purge(db, s))  # type: ignore[misc]
    for name in names - database.read(lambda db: _named(db, names)):
        _unlink(database, storage, name)
    return len(due)


def _mark(
    database: Database, account: Account, study_id: str, now: str, deleted_at: str | None, action: str, address: str
) -> None:
    def update(db: sqlite_utils.Database) -> None:
        sql = f"UPDATE studies SET deleted_at = ? WHERE id = ? AND deleted_at IS {now}"  # noqa: S608
        if db.conn.execute(sql, (deleted_at, study_id)).rowcount != 1:
            raise StudyNotFound()
        audit.record(db, account.id, action, study_id, address)

    database.write(update)


def _where(db: sqlite_utils.Database, wanted: StudyFilter) -> lists.Where:
    where = lists.Where()
    where.add(f"s.deleted_at IS {'NOT ' if wanted.deleted else ''}NULL")
    for column in ("organ", "status", "version"):
        if value := getattr(wanted, column):
            where.add(f"s.{column} = ?", value)
    if wanted.username:
        lists.account_ids(db, where, "s.account_id", wanted.username)
    lists.between(where, "s.created_at", wanted.since, wanted.until)
    return where


def _query(db: sqlite_utils.Database, where: lists.Where, limit: int) -> Iterable[dict[str, Any]]:
    order = "ORDER BY s.created_at DESC, s.rowid DESC LIMIT ?"
    return db.query(f"SELECT {_COLUMNS} FROM {_FROM} WHERE {where.sql} {order}", [*where.parameters, limit])  # noqa: S608


def _line(found: dict[str, Any]) -> StudyLine:
    return StudyLine(**{name: found[name] for name in StudyLine.__struct_fields__})


def _purge(db: sqlite_utils.Database, study_id: str) -> None:
    db.conn.execute("DELETE FROM jobs WHERE kind = 'segment' AND subject_id = ?", (study_id,))
    db.conn.execute("DELETE FROM studies WHERE id = ?", (study_id,))
    audit.record(db, None, "study.purge", study_id)


def _files(db: sqlite_utils.Database, study_id: str) -> set[str]:
    """The stored files of a study: every column of its images that holds a file's name."""
    images = rows(db, "SELECT * FROM images WHERE study_id = ?", study_id)
    return {value for image in images for column, value in image.items() if column.endswith("sha256") and value}


def _named(db: sqlite_utils.Database, names: set[str]) -> set[str]:
    """Those of the names that any table still holds: a picture may be in two studies, or in an article."""
    found: set[str] = set()
    marks = ",".join("?" * len(names))
    for table in rows(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"):
        for column in rows(db, f"PRAGMA table_info('{table['name']}')"):
            if column["name"].endswith("sha256"):
                sql = f"SELECT {column['name']} AS name FROM '{table['name']}' WHERE {column['name']} IN ({marks})"  # noqa: S608
                found |= {each["name"] for each in rows(db, sql, *names)}
    return found


def _unlink(database: Database, storage: Storage, name: str) -> None:
    """Put aside first: who stores the same content meanwhile writes a new file, or its freshness is seen."""
    path, aside = storage.path(name), storage.path(name).with_suffix(".purged")
    if not path.exists():
        return
    path.rename(aside)
    if time.time() - aside.stat().st_mtime < FRESH_S or database.read(lambda db: _named(db, {name})):
        aside.rename(path)
    else:
        aside.unlink()
