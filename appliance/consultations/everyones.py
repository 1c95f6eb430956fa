"""Everyone's consultations, for admins: filter, count, export, purge."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import sqlite_utils

from appliance import audit, lists
from appliance.auth.services import Account
from appliance.clock import utc_ago
from appliance.consultations.questions import Wanted
from appliance.database import Database, rows
from appliance.errors import ConsultationNotFound
from appliance.listing import KEPT_DAYS, Listing
from appliance.retention import done_before
from appliance.sheets import csv_bytes

LISTING = Listing(
    name="consultation",
    table="consultations",
    alias="c",
    source="consultations c",
    columns="c.id, c.question, c.source, c.level, c.rating, c.created_at, c.total_ms, c.deleted_at",
    order=("c.created_at", "c.rowid"),
    missing=ConsultationNotFound,
)
# From the newest match of the index to the oldest, as far as a page needs: numbers grow with time.
_FOUND = replace(
    LISTING,
    source="question_index CROSS JOIN consultations c ON c.number = question_index.rowid",
    order=("question_index.rowid",),
    most_counted=1000,  # each match is looked up by itself
)
_EXPORTED = {
    "id": "编号",
    "username": "账号",
    "created_at": "时间",
    "question": "问题",
    "answer": "回答",
    "level": "分诊",
    "source": "回答来源",
    "rating": "评价",
    "total_ms": "用时（毫秒）",
    "deleted_at": "删除时间",
}


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
    """A page of the list; `total` is exact up to `counted`, and at most one more."""

    items: list[ConsultationLine]
    next: str | None
    total: int
    counted: int


def list_all(
    database: Database, account: Account, wanted: ConsultationFilter, before: str | None, address: str
) -> ConsultationLines:
    """Newest first. Raises Invalid for a date or a cursor that is none."""

    def read(db: sqlite_utils.Database) -> ConsultationLines:
        listing, where = _asked(db, wanted)
        return ConsultationLines(*listing.page(db, where, before, ConsultationLine))

    return LISTING.told(database, account, "list", address, read)


def export(database: Database, account: Account, wanted: ConsultationFilter, kind: str, address: str) -> bytes:
    """All that match with their answers, as CSV, or JSON when `kind` is "json"."""
    answer = ", (SELECT text FROM messages m WHERE m.consultation_id = c.id AND m.position = 1) AS answer"

    def read(db: sqlite_utils.Database) -> list[dict[str, Any]]:
        listing, where = _asked(db, wanted)
        return list(listing.rows(db, where, lists.MOST_EXPORTED, answer))

    found = LISTING.told(database, account, "export", address, read)
    if kind == "json":
        return msgspec.json.encode([{name: each[name] for name in _EXPORTED} for each in found])
    return csv_bytes(list(_EXPORTED.values()), ([each[name] for name in _EXPORTED] for each in found))


def purge(database: Database, kept_days: int) -> int:
    """Take away for good what was deleted long ago, and what is older than `kept_days` (0: nothing is too old)."""
    due = database.read(lambda db: _due(db, "deleted_at", "consultation.delete", KEPT_DAYS))
    if kept_days:
        due |= database.read(lambda db: _due(db, "created_at", "consultation.create", kept_days))

    def take(db: sqlite_utils.Database) -> None:
        for consultation_id in due:
            db.conn.execute("DELETE FROM consultations WHERE id = ?", (consultation_id,))
            audit.record(db, None, "consultation.purge", consultation_id)

    if due:
        database.write(take)
    return len(due)


def _due(db: sqlite_utils.Database, column: str, action: str, days: int) -> set[str]:
    """Those to which this was done longer ago than so many days, as many as go at once."""
    moment = utc_ago(timedelta(days=days))
    dated = [each["id"] for each in rows(db, f"SELECT id FROM consultations WHERE {column} < ?", moment)]  # noqa: S608
    return set(done_before(db, dated, action, moment))


def _asked(db: sqlite_utils.Database, wanted: ConsultationFilter) -> tuple[Listing, lists.Where]:
    """Where to look, and what for."""
    where, words = lists.Where(), Wanted.of(wanted.q)
    if words.indexed:
        where.add("question_index MATCH ?", words.indexed)
    words.narrow(where, "c.question")
    where.add(f"c.deleted_at IS {'NOT ' if wanted.deleted else ''}NULL")
    for column in ("source", "level"):
        if value := getattr(wanted, column):
            where.add(f"c.{column} = ?", value)
    if wanted.rating:
        where.add("c.rating = ?", wanted.rating)
    if wanted.username:
        lists.account_ids(db, where, "c.account_id", wanted.username)
    lists.between(where, "c.created_at", wanted.since, wanted.until)
    return _FOUND if words.indexed else LISTING, where
