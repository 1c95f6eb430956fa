"""What is old enough to go for good, on a box whose clock may be wrong.

A box without internet keeps time by a battery: a dead one starts it years behind, a slip of the hand sets it years
ahead. So nothing is purged before the clock has agreed with the audit log for some days, and how long ago something was
done is told by its place among the log's rows, which no clock can move, wherever its date says more than that.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice

import sqlite_utils

from appliance.clock import utc_ago, utc_now, utc_text
from appliance.database import row

# No true date is before this. It stays where it is: records from before a later one would never be old enough.
BUILT = utc_text(datetime(2026, 11, 1, tzinfo=UTC))
SLACK = timedelta(minutes=5)  # a clock that is corrected now and then is not wrong
WITHIN, AGREED_DAYS = timedelta(days=14), 7  # long enough for someone to read the health page
MOST = 1000  # what goes at once


def is_believable(db: sqlite_utils.Database) -> bool:
    """Has this clock left rows in the audit log on AGREED_DAYS days within WITHIN, all of them written after whatever
    is dated later than now? So a jump by some days is believed, by which a purge then comes too early."""
    later = utc_ago(-SLACK)
    # With a plus no walk through all numbers tempts SQLite: of those dated later there are hardly any.
    found = row(
        db,
        "SELECT count(DISTINCT substr(at, 1, 10)) AS days FROM audit_rows WHERE at BETWEEN ? AND ?"
        " AND id > (SELECT coalesce(max(+id), 0) FROM audit_rows WHERE at > ?)",
        utc_ago(WITHIN),
        later,
        later,
    )
    return utc_now() >= BUILT and found is not None and found["days"] >= AGREED_DAYS


def is_behind(db: sqlite_utils.Database) -> bool:
    """Is it earlier than what is already recorded, or than any box was built?"""
    return utc_now() < BUILT or row(db, "SELECT 1 FROM audit_rows WHERE at > ? LIMIT 1", utc_ago(-SLACK)) is not None


def days_unrecorded(db: sqlite_utils.Database) -> int:
    """How many days passed without a row before those within WITHIN: many after a long rest, or a jump of the clock."""
    since, now = utc_ago(WITHIN), utc_now()
    found = row(
        db,
        "SELECT (SELECT max(at) FROM audit_rows WHERE at < ?) AS before,"
        " coalesce((SELECT min(at) FROM audit_rows WHERE at BETWEEN ? AND ?), ?) AS since",
        since,
        since,
        now,
        now,
    )
    if found is None or found["before"] is None:
        return 0
    return (datetime.fromisoformat(found["since"]) - datetime.fromisoformat(found["before"])).days


def last_before(db: sqlite_utils.Database, moment: str) -> int:
    """The number of the last row of the audit log that was surely written before `moment`, 0 when none was or when the
    clock cannot be believed. It is dated so, and so is, as far as dates can be true, each row before it."""
    if not is_believable(db):
        return 0
    found = row(
        db,
        "SELECT max(id) AS id FROM audit_rows WHERE at >= ? AND at < ? AND id <"
        " coalesce((SELECT min(id) FROM audit_rows WHERE at BETWEEN ? AND ?), 9e18)",
        BUILT,
        moment,
        moment,
        utc_now(),
    )
    return found["id"] or 0 if found else 0


def done_before(db: sqlite_utils.Database, subjects: Iterable[str], action: str, moment: str) -> list[str]:
    """Those of the subjects to which this was done before `moment`, as far as the audit log tells; MOST of them, and
    none while nothing is surely so old."""
    last = last_before(db, moment)
    if not last:
        return []
    sql = "SELECT 1 FROM audit_rows WHERE subject = ? AND action = ? AND id > ? LIMIT 1"
    return list(islice((subject for subject in subjects if row(db, sql, subject, action, last) is None), MOST))
