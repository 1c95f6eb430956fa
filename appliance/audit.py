"""Who did what, and when: one row for each change and for each reading of a patient's data."""

import sqlite_utils

from appliance.clock import utc_now


def record(
    db: sqlite_utils.Database, account_id: str | None, action: str, subject: str, address: str | None = None
) -> None:
    """Add a row in the caller's transaction. `action` is noun.verb, such as study.read; `subject` an id, never text."""
    db.table("audit_rows").insert(
        {"at": utc_now(), "account_id": account_id, "action": action, "subject": subject, "address": address}
    )
