"""Everyone's consultations, for admins: filter, count, export, delete with undo, and purge."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
import sqlite_utils

from appliance import audit, lists
from appliance.auth.services import Account
from appliance.clock import utc_ago, utc_now
from appliance.database import Database, rows
from appliance.errors import ConsultationNotFound
from appliance.sheets import csv_bytes

KEPT_DAYS = 30  # how long a deleted consultation can be brought back
_COLUMNS = (
    "c.rowid AS number, c.id, c.question, c.source, c.level, c.rating, c.created_at, c.total_ms, c.deleted_at,"
    " a.username"
)
_FROM = "consultations c LEFT JOIN accounts a ON a.id = c.account_id"
_HEADER = ("编号", "账号", "时间", "问题", "回答", "分诊", "回答来源", "评价", "用时（毫秒）", "删除时间")


class ConsultationFilter(msgspec.Struct, frozen=True):
    """Empty texts ask for nothing. `q` is looked for in questions; `rating` is 1, -1 or 0 for any."""

    q: str = ""
    source: str = ""
    level: str = ""
    username: str = ""
    rating: int = 0
    since: str = ""
    until: str = ""
    deleted: bool = False


class ConsultationLine(msgspec.Struct, rename="camel"):
    id: str
    username: str | None
    question: str
    source: str | None
    level: str | None
    rating: int | None
    created_at: str
    total_ms: float | None
    deleted_at: str | None


class ConsultationLines(msgspec.Struct, rename="camel"):
    """A page of the list; `total` is at most one more than what is counted exactly."""

    items: list[ConsultationLine]
    next: str | None
    total: int


def list_all(
    database: Database, account: Account, wanted: ConsultationFilter, before: str | None, address: str
) -> ConsultationLines:
    """Newest first. Raises Invalid for a date or a cursor that is none."""

    def read(db: sqlite_utils.Database) -> ConsultationLines:
        where = _where(db, wanted)
        total, found = lists.page(db, "consultations c", "c", where, before, _query)
        items = [_line(each) for each in found[: lists.PAGE]]
        more = lists.cursor_of(found[lists.PAGE - 1]) if len(found) > lists.PAGE else None
        return ConsultationLines(items, more, total)

    page = database.read(read)
    database.write(lambda db: audit.record(db, account.id, "consultation.list", "all", address))
    return page


def export(database: Database, account: Account, wanted: ConsultationFilter, kind: str, address: str) -> bytes:
    """All that match with their answers, as CSV, or JSON when `kind` is "json"."""

    def read(db: sqlite_utils.Database) -> list[dict[str, Any]]:
        answer = ", (SELECT text FROM messages m WHERE m.consultation_id = c.id AND m.position = 1) AS answer"
        return list(_query(db, _where(db, wanted), lists.MOST_EXPORTED, answer))

    found = database.read(read)
    database.write(lambda db: audit.record(db, account.id, "consultation.export", "all", address))
    names = (
        "id",
        "username",
        "created_at",
        "question",
        "answer",
        "level",
        "source",
        "rating",
        "total_ms",
        "deleted_at",
    )
    if kind == "json":
        return msgspec.json.encode([{name: each[name] for name in names} for each in found])
    return csv_bytes(_HEADER, ([each[name] for name in names] for each in found))


def delete(database: Database, account: Account, consultation_id: str, address: str) -> None:
    """Hide a consultation from everyone; it can be brought back for KEPT_DAYS. Raises ConsultationNotFound."""
    _mark(database, account, consultation_id, "NULL", utc_now(), "consultation.delete", address)


def restore(database: Database, account: Account, consultation_id: str, address: str) -> None:
    """Bring a deleted consultation back. Raises ConsultationNotFound."""
    _mark(database, account, consultation_id, "NOT NULL", None, "consultation.restore", address)


def purge(database: Database, kept_days: int) -> int:
    """Take away for good what was deleted long ago, and what is older than `kept_days` (0: nothing is too old)."""
    oldest = utc_ago(timedelta(days=kept_days)) if kept_days else ""
    sql = "SELECT id FROM consultations WHERE deleted_at < ? OR created_at < ? LIMIT 1000"
    deleted = utc_ago(timedelta(days=KEPT_DAYS))
    due = [each["id"] for each in database.read(lambda db: rows(db, sql, deleted, oldest))]

    def take(db: sqlite_utils.Database) -> None:
        for consultation_id in due:
            db.conn.execute("DELETE FROM consultations WHERE id = ?", (consultation_id,))
            audit.record(db, None, "consultation.purge", consultation_id)

    if due:
        database.write(take)
    return len(due)


def _mark(
    database: Database, account: Account, subject: str, now: str, deleted_at: str | None, action: str, address: str
) -> None:
    def update(db: sqlite_utils.Database) -> None:
        sql = f"UPDATE consultations SET deleted_at = ? WHERE id = ? AND deleted_at IS {now}"  # noqa: S608
        if db.conn.execute(sql, (deleted_at, subject)).rowcount != 1:
            raise ConsultationNotFound()
        audit.record(db, account.id, action, subject, address)

    database.write(update)


def _where(db: sqlite_utils.Database, wanted: ConsultationFilter) -> lists.Where:
    where = lists.Where()
    where.add(f"c.deleted_at IS {'NOT ' if wanted.deleted else ''}NULL")
    for column in ("source", "level"):
        if value := getattr(wanted, column):
            where.add(f"c.{column} = ?", value)
    if wanted.rating:
        where.add("c.rating = ?", wanted.rating)
    if wanted.q:
        # Not LIKE: where no row matches, all are read, and this compares bytes.
        where.add("instr(lower(c.question), lower(?))", wanted.q)
    if wanted.username:
        lists.account_ids(db, where, "c.account_id", wanted.username)
    lists.between(where, "c.created_at", wanted.since, wanted.until)
    return where


def _query(db: sqlite_utils.Database, where: lists.Where, limit: int, more: str = "") -> Iterable[dict[str, Any]]:
    order = "ORDER BY c.created_at DESC, c.rowid DESC LIMIT ?"
    sql = f"SELECT {_COLUMNS}{more} FROM {_FROM} WHERE {where.sql} {order}"  # noqa: S608
    return db.query(sql, [*where.parameters, limit])


def _line(found: dict[str, Any]) -> ConsultationLine:
    return ConsultationLine(**{name: found[name] for name in ConsultationLine.__struct_fields__})
