"""Who did what, and when: one row for each change and for each reading of a patient's data."""

import logging
from collections.abc import Callable

import sqlite_utils

from appliance.clock import utc_now
from appliance.database import Database
from appliance.errors import OutOfSpace

log = logging.getLogger(__name__)


def record(
    db: sqlite_utils.Database, account_id: str | None, action: str, subject: str, address: str | None = None
) -> None:
    """Add a row in the caller's transaction. `action` is noun.verb, such as study.read; `subject` an id, never text."""
    db.table("audit_rows").insert(
        {"at": utc_now(), "account_id": account_id, "action": action, "subject": subject, "address": address}
    )


def record_view(
    database: Database,
    account_id: str,
    action: str,
    subject: str,
    address: str | None = None,
    *,
    own: Callable[[], bool],
) -> None:
    """Add a row for a reading that changes nothing and takes nothing along. A full disk keeps nobody from what is their
    own, which is asked only then: the log tells it. Raises OutOfSpace for another's, which nobody reads without a row.
    """
    try:
        database.write(lambda db: record(db, account_id, action, subject, address))
    except OutOfSpace:
        if not own():
            raise
        log.warning("disk full, not in the audit log: %s %s by %s from %s", action, subject, account_id, address)
