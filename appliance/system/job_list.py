"""The jobs as an admin sees them, and another try for those that failed."""

from datetime import timedelta
from typing import Any

import msgspec
import sqlite_utils

from appliance import audit, jobs, lists
from appliance.auth.services import Account
from appliance.clock import utc_ago
from appliance.database import Database, row, rows
from appliance.errors import NotFound


class JobOut(msgspec.Struct, rename="camel"):
    id: str
    kind: str
    subject_id: str
    state: str
    attempts: int
    error_code: str | None
    error_message: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class JobLines(msgspec.Struct, rename="camel"):
    """A page of jobs; `counts` of all by state."""

    items: list[JobOut]
    next: str | None
    counts: dict[str, int]


def list_all(database: Database, state: str, before: str | None) -> JobLines:
    """Newest first; `state` "" for all. Raises Invalid for a cursor that is none."""

    def read(db: sqlite_utils.Database) -> JobLines:
        where = lists.Where()
        if state:
            where.add("j.state = ?", state)
        lists.after(where, ("j.created_at", "j.rowid"), before)
        sql = (
            f"SELECT j.rowid AS number, j.* FROM jobs j WHERE {where.sql} ORDER BY created_at DESC, rowid DESC LIMIT ?"  # noqa: S608
        )
        found = rows(db, sql, *where.parameters, lists.PAGE + 1)
        counts = {each["state"]: each["n"] for each in rows(db, "SELECT state, count(*) AS n FROM jobs GROUP BY state")}
        more = lists.cursor_of(found[lists.PAGE - 1]) if len(found) > lists.PAGE else None
        return JobLines([_out(each) for each in found[: lists.PAGE]], more, counts)

    return database.read(read)


def count_failed(database: Database) -> int:
    """How many failed within the last week and were not tried anew."""
    sql = "SELECT count(*) AS n FROM jobs WHERE state = 'failed' AND created_at > ?"
    found = database.read(lambda db: row(db, sql, utc_ago(timedelta(days=7))))
    return found["n"] if found else 0


def retry(database: Database, account: Account, job_id: str, address: str) -> None:
    """Queue a failed job anew. Raises NotFound, Conflict."""

    def write(db: sqlite_utils.Database) -> None:
        if row(db, "SELECT 1 FROM jobs WHERE id = ?", job_id) is None:
            raise NotFound("找不到这个任务。", "job_not_found")
        jobs.retry(db, job_id)
        audit.record(db, account.id, "job.retry", job_id, address)

    database.write(write)


def retry_all(database: Database, account: Account, address: str) -> int:
    """Queue every failed job anew; returns how many."""

    def write(db: sqlite_utils.Database) -> int:
        failed = rows(db, "SELECT id FROM jobs WHERE state = 'failed'")
        for each in failed:
            jobs.retry(db, each["id"])
            audit.record(db, account.id, "job.retry", each["id"], address)
        return len(failed)

    return database.write(write)


def _out(found: dict[str, Any]) -> JobOut:
    return JobOut(**{name: found[name] for name in JobOut.__struct_fields__})
