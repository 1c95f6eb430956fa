"""The audit log: search it, export it, and forget what is older than it has to be kept."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
import sqlite_utils

from appliance import audit, lists
from appliance.auth.services import Account
from appliance.clock import utc_ago
from appliance.database import Database, rows
from appliance.errors import Invalid
from appliance.retention import last_before
from appliance.sheets import csv_bytes

LEAST_DAYS = 180  # whatever a setting says
_PURGED_AT_ONCE = 5000
_HEADER = ("时间", "账号", "操作", "对象", "来源地址")


class AuditFilter(msgspec.Struct, frozen=True):
    """Empty texts ask for nothing. `action` is an action, or its noun alone."""

    username: str = ""
    action: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""


class AuditLine(msgspec.Struct, rename="camel"):
    at: str
    username: str | None
    action: str
    subject: str
    address: str | None


class AuditLines(msgspec.Struct, rename="camel"):
    items: list[AuditLine]
    next: str | None


def search(database: Database, account: Account, wanted: AuditFilter, before: str | None, address: str) -> AuditLines:
    """Newest first. Raises Invalid for a date or a cursor that is none."""

    def read(db: sqlite_utils.Database) -> AuditLines:
        where = _where(db, wanted)
        if before:
            if not before.isdigit() or len(before) > 18:
                raise Invalid("页码无效，请回到第一页。", "cursor_invalid")
            where.add("r.id < ?", int(before))
        found = list(_query(db, where, lists.PAGE + 1))
        more = str(found[lists.PAGE - 1]["id"]) if len(found) > lists.PAGE else None
        return AuditLines([_out(each) for each in found[: lists.PAGE]], more)

    page = database.read(read)
    database.write(lambda db: audit.record(db, account.id, "audit.list", "all", address))
    return page


def export(database: Database, account: Account, wanted: AuditFilter, address: str) -> bytes:
    """All that match, as CSV."""
    found = database.read(lambda db: list(_query(db, _where(db, wanted), lists.MOST_EXPORTED)))
    database.write(lambda db: audit.record(db, account.id, "audit.export", "all", address))
    return csv_bytes(_HEADER, ((r["at"], r["username"], r["action"], r["subject"], r["address"]) for r in found))


def actions(database: Database) -> list[str]:
    """The actions that occur, to choose from: a loose index scan, one step for each."""
    sql = """WITH RECURSIVE a(action) AS (
        SELECT min(action) FROM audit_rows UNION ALL
        SELECT (SELECT min(action) FROM audit_rows WHERE action > a.action) FROM a WHERE a.action IS NOT NULL
    ) SELECT action FROM a WHERE action IS NOT NULL"""
    return database.read(lambda db: [each["action"] for each in rows(db, sql)])


def purge(database: Database, kept_days: int) -> int:
    """Forget what is older than `kept_days`, at least LEAST_DAYS; returns how many rows. By their order, not by their
    dates: one that a wrong clock wrote goes with its neighbours."""
    oldest = utc_ago(timedelta(days=max(LEAST_DAYS, kept_days)))
    sql = "DELETE FROM audit_rows WHERE id IN (SELECT id FROM audit_rows WHERE id <= ? ORDER BY id LIMIT ?)"

    def write(db: sqlite_utils.Database) -> int:
        gone = db.conn.execute(sql, (last, _PURGED_AT_ONCE)).rowcount
        if gone:
            audit.record(db, None, "audit.purge", oldest)
        return gone

    last = database.read(lambda db: last_before(db, oldest))
    return database.write(write) if last else 0


def _where(db: sqlite_utils.Database, wanted: AuditFilter) -> lists.Where:
    where = lists.Where()
    if "." in wanted.action:
        where.add("r.action = ?", wanted.action)
    elif wanted.action:
        where.add("r.action >= ? AND r.action < ?", f"{wanted.action}.", f"{wanted.action}/")
    if wanted.subject:
        where.add("r.subject = ?", wanted.subject)
    if wanted.username:
        lists.account_ids(db, where, "r.account_id", wanted.username)
    lists.between(where, "r.at", wanted.since, wanted.until)
    return where


def _query(db: sqlite_utils.Database, where: lists.Where, limit: int) -> Iterable[dict[str, Any]]:
    sql = "SELECT r.*, a.username FROM audit_rows r LEFT JOIN accounts a ON a.id = r.account_id"
    return db.query(f"{sql} WHERE {where.sql} ORDER BY r.id DESC LIMIT ?", [*where.parameters, limit])


def _out(found: dict[str, Any]) -> AuditLine:
    return AuditLine(**{name: found[name] for name in AuditLine.__struct_fields__})
