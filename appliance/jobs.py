"""Durable jobs: claimed by lease, kept alive by heartbeat, capped in attempts, finished once.

Leases count in seconds since boot, under the boot's own name: a wrong clock cannot end one, and a reboot ends all.
"""

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass

import sqlite_utils

from appliance.clock import boot_id, boot_seconds, utc_now
from appliance.database import row
from appliance.errors import Conflict

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = "queued", "running", "succeeded", "failed", "cancelled"
ENDED = (SUCCEEDED, FAILED, CANCELLED)

OF_KINDS = "kind IN (SELECT value FROM json_each(?))"

TRANSITIONS = {
    ("claim", QUEUED): RUNNING,
    ("finish", RUNNING): SUCCEEDED,
    ("fail", RUNNING): FAILED,
    ("hand back", RUNNING): QUEUED,
    ("give up", QUEUED): FAILED,
    ("cancel", QUEUED): CANCELLED,
    ("retry", FAILED): QUEUED,
}


class LeaseLost(Exception):
    """Another worker has the job by now: whatever this one made of it must not be kept."""


@dataclass(frozen=True)
class Job:
    """A job that this process holds the lease of."""

    id: str
    kind: str
    subject_id: str
    attempts: int
    lease: str


def enqueue(db: sqlite_utils.Database, kind: str, subject_id: str) -> str:
    """Queue a job in the caller's transaction; returns its id."""
    job_id = secrets.token_hex(12)
    db.table("jobs").insert(
        {"id": job_id, "kind": kind, "subject_id": subject_id, "state": QUEUED, "created_at": utc_now()}
    )
    return job_id


def claim(db: sqlite_utils.Database, lease_seconds: float, attempts: int, kinds: Collection[str]) -> Job | None:
    """Take the oldest waiting job of these kinds, or None.

    Jobs whose lease ran out wait again; after `attempts` they fail.
    """
    _take_back_expired(db, attempts)
    sql = f"SELECT * FROM jobs WHERE state = 'queued' AND {OF_KINDS} ORDER BY created_at, rowid LIMIT 1"  # noqa: S608
    waiting = row(db, sql, json.dumps(sorted(kinds)))
    if waiting is None:
        return None
    job = Job(waiting["id"], waiting["kind"], waiting["subject_id"], waiting["attempts"] + 1, secrets.token_hex(12))
    _move(db, job.id, "claim", QUEUED)
    db.conn.execute(
        "UPDATE jobs SET attempts = ?, lease = ?, lease_boot_id = ?, lease_until_s = ?, started_at = ? WHERE id = ?",
        (job.attempts, job.lease, boot_id(), boot_seconds() + lease_seconds, utc_now(), job.id),
    )
    return job


def heartbeat(db: sqlite_utils.Database, job: Job, lease_seconds: float) -> None:
    """Prolong the lease. Raises LeaseLost."""
    _check_lease(db, job)
    db.conn.execute("UPDATE jobs SET lease_until_s = ? WHERE id = ?", (boot_seconds() + lease_seconds, job.id))


def finish(db: sqlite_utils.Database, job: Job) -> None:
    """The job succeeded; call it in the transaction that keeps its result. Raises LeaseLost."""
    _end(db, job, "finish")


def any_left(db: sqlite_utils.Database, kinds: Collection[str]) -> bool:
    """Is a job of these kinds waiting or running?"""
    sql = f"SELECT 1 FROM jobs WHERE state IN ('queued', 'running') AND {OF_KINDS} LIMIT 1"  # noqa: S608
    return row(db, sql, json.dumps(sorted(kinds))) is not None


def fail(db: sqlite_utils.Database, job: Job, code: str, message: str) -> None:
    """The job cannot succeed, and why. Raises LeaseLost."""
    _end(db, job, "fail")
    db.conn.execute("UPDATE jobs SET error_code = ?, error_message = ? WHERE id = ?", (code, message, job.id))


def hand_back(db: sqlite_utils.Database, job: Job) -> None:
    """Let another worker have it, as on a clean stop; this attempt does not count. Raises LeaseLost."""
    _check_lease(db, job)
    _move(db, job.id, "hand back", RUNNING)
    db.conn.execute("UPDATE jobs SET attempts = attempts - 1, lease = NULL WHERE id = ?", (job.id,))


def retry(db: sqlite_utils.Database, job_id: str) -> None:
    """Let a failed job be tried anew, with all its attempts. Raises Conflict when it has not failed."""
    _move(db, job_id, "retry", FAILED)
    db.conn.execute(
        "UPDATE jobs SET attempts = 0, error_code = NULL, error_message = NULL, finished_at = NULL WHERE id = ?",
        (job_id,),
    )


def _take_back_expired(db: sqlite_utils.Database, attempts: int) -> None:
    expired = db.query(
        "SELECT id, attempts FROM jobs WHERE state = 'running' AND (lease_boot_id != ? OR lease_until_s < ?)",
        [boot_id(), boot_seconds()],
    )
    for job in list(expired):
        _move(db, job["id"], "hand back", RUNNING)
        db.conn.execute("UPDATE jobs SET lease = NULL WHERE id = ?", (job["id"],))
        if job["attempts"] >= attempts:
            _move(db, job["id"], "give up", QUEUED)
            db.conn.execute(
                "UPDATE jobs SET error_code = 'job_crashed', error_message = ?, finished_at = ? WHERE id = ?",
                (f"处理这张图片时程序 {attempts} 次意外中断，已停止重试。原图仍然保存着。", utc_now(), job["id"]),
            )


def _end(db: sqlite_utils.Database, job: Job, event: str) -> None:
    _check_lease(db, job)
    _move(db, job.id, event, RUNNING)
    db.conn.execute("UPDATE jobs SET lease = NULL, finished_at = ? WHERE id = ?", (utc_now(), job.id))


def _check_lease(db: sqlite_utils.Database, job: Job) -> None:
    found = row(db, "SELECT lease FROM jobs WHERE id = ?", job.id)
    if found is None or found["lease"] != job.lease:
        raise LeaseLost(job.id)


def _move(db: sqlite_utils.Database, job_id: str, event: str, state: str) -> None:
    """One step of the state machine; a step that the table does not know raises Conflict."""
    following = TRANSITIONS.get((event, state))
    if following is None:
        raise Conflict(f"任务不能从 {state} 执行 {event}。", "job_transition")
    changed = db.conn.execute("UPDATE jobs SET state = ? WHERE id = ? AND state = ?", (following, job_id, state))
    if changed.rowcount != 1:
        raise Conflict(f"任务已不是 {state} 状态。", "job_transition")
