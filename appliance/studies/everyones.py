"""Everyone's studies, for admins: filter, count, export, and purge what stayed hidden."""

from datetime import timedelta
from typing import Any

import msgspec
import sqlite_utils

from appliance import audit, leftovers, lists
from appliance.auth.services import Account
from appliance.clock import utc_ago
from appliance.database import Database, rows
from appliance.errors import StudyNotFound
from appliance.listing import KEPT_DAYS, Listing, line_of
from appliance.retention import done_before
from appliance.sheets import csv_bytes

LISTING = Listing(
    name="study",
    table="studies",
    alias="s",
    source="studies s",
    columns="s.id, s.organ, s.status, s.created_at, s.version, s.total_ms, s.deleted_at,"
    " (SELECT count(*) FROM images i WHERE i.study_id = s.id) AS images",
    order=("s.created_at", "s.rowid"),
    missing=StudyNotFound,
)
_EXPORTED = {
    "id": "检查编号",
    "organ": "部位",
    "status": "状态",
    "username": "账号",
    "created_at": "提交时间",
    "images": "图片数",
    "version": "模型版本",
    "total_ms": "用时（毫秒）",
    "deleted_at": "删除时间",
}


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
    """A page of the list; `total` is exact up to `counted`, and at most one more."""

    items: list[StudyLine]
    next: str | None
    total: int
    counted: int


def list_all(database: Database, account: Account, wanted: StudyFilter, before: str | None, address: str) -> StudyLines:
    """Newest first. Raises Invalid for a date or a cursor that is none."""

    def read(db: sqlite_utils.Database) -> StudyLines:
        return StudyLines(*LISTING.page(db, _where(db, wanted), before, StudyLine))

    return LISTING.told(database, account, "list", address, read)


def export(database: Database, account: Account, wanted: StudyFilter, kind: str, address: str) -> bytes:
    """All that match as CSV, or JSON when `kind` is "json"."""

    def read(db: sqlite_utils.Database) -> list[dict[str, Any]]:
        return list(LISTING.rows(db, _where(db, wanted), lists.MOST_EXPORTED))

    found = LISTING.told(database, account, "export", address, read)
    if kind == "json":
        return msgspec.json.encode([line_of(StudyLine, each) for each in found])
    return csv_bytes(list(_EXPORTED.values()), ([each[name] for name in _EXPORTED] for each in found))


def versions(database: Database) -> list[str]:
    """The versions that made studies, to choose from: a loose index scan, one step for each."""
    sql = """WITH RECURSIVE v(version) AS (
        SELECT min(version) FROM studies UNION ALL
        SELECT (SELECT min(version) FROM studies WHERE version > v.version) FROM v WHERE v.version IS NOT NULL
    ) SELECT version FROM v WHERE version IS NOT NULL"""
    return database.read(lambda db: [each["version"] for each in rows(db, sql)])


def purge(database: Database) -> int:
    """Take away for good what was hidden long enough ago, with its files."""
    oldest = utc_ago(timedelta(days=KEPT_DAYS))

    def find(db: sqlite_utils.Database) -> list[str]:
        dated = [each["id"] for each in rows(db, "SELECT id FROM studies WHERE deleted_at < ?", oldest)]
        return done_before(db, dated, "study.delete", oldest)

    def take(db: sqlite_utils.Database, study_id: str) -> None:
        remove(db, study_id)
        audit.record(db, None, "study.purge", study_id)

    due = database.read(find)
    for study_id in due:
        database.write(lambda db, study_id=study_id: take(db, study_id))  # type: ignore[misc]
    return len(due)


def remove(db: sqlite_utils.Database, study_id: str) -> None:
    """A study for good, with all that was made of it: jobs, images, corrections. Its files are left to the sweep."""
    images = "SELECT id FROM images WHERE study_id = ?"
    for sql in (
        "SELECT * FROM images WHERE study_id = ?",
        f"SELECT * FROM corrections WHERE image_id IN ({images})",  # noqa: S608
        f"SELECT * FROM compared_images WHERE image_id IN ({images})",  # noqa: S608
    ):
        for found in rows(db, sql, study_id):
            leftovers.note(db, *(found[column] for column in found if column.endswith("sha256")))
    corrections = f"SELECT id FROM corrections WHERE image_id IN ({images})"  # noqa: S608
    db.conn.execute(f"DELETE FROM jobs WHERE subject_id = ? OR subject_id IN ({corrections})", (study_id, study_id))  # noqa: S608
    db.conn.execute("DELETE FROM studies WHERE id = ?", (study_id,))


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
