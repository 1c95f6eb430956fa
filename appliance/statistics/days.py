"""What a day came to, as rows (topic, key, amount): counted once when it is long over, live before that."""

from datetime import date, datetime, timedelta
from typing import Any

import sqlite_utils

from appliance.clock import utc_text
from appliance.database import Database, row, rows

# Added up by SQLite: a year by weeks is a tenth of what a year by days would be here.
_STEPS = (
    "SELECT CAST(julianday(day) - julianday(?) AS INTEGER) / ? AS step, topic, key, sum(amount) FROM statistics_days"
    " WHERE day BETWEEN ? AND ? GROUP BY 1, 2, 3"
)
_AT_ONCE = 50  # days in one transaction
_COUNTED_DAYS = "SELECT day FROM statistics_days WHERE topic = 'counted'"
LIVE_DAYS = 2  # today and yesterday still change: a study of last night may end this morning
STEP = 1.05  # a latency is counted in a bucket 5 % wide: a percentile is at most some 2.5 % off
COUNTED = "counted"  # the topic that marks a day as done
Counts = dict[tuple[str, str], float]  # (topic, key) → amount

# Each asks for the moments between which a day lies, twice or once; each answers with key and amount.
_BUCKET = f"CAST(ln(max(total_ms, 1)) / ln({STEP}) AS INTEGER)"
_QUERIES = {
    "studies": "SELECT organ || '/' || status AS key, count(*) AS n FROM studies WHERE {} GROUP BY 1",
    "releases": "SELECT organ || '/' || version AS key, count(*) AS n FROM studies"
    " WHERE {} AND version IS NOT NULL GROUP BY 1",
    "study_ms": f"SELECT {_BUCKET} AS key, count(*) AS n FROM studies"  # noqa: S608
    " WHERE {} AND total_ms IS NOT NULL AND status IN ('succeeded', 'refused') GROUP BY 1",
    "answers": "SELECT coalesce(source, 'none') AS key, count(*) AS n FROM consultations WHERE {} GROUP BY 1",
    "levels": "SELECT coalesce(level, 'none') AS key, count(*) AS n FROM consultations WHERE {} GROUP BY 1",
    "answer_ms": f"SELECT {_BUCKET} AS key, count(*) AS n FROM consultations"  # noqa: S608
    " WHERE {} AND total_ms IS NOT NULL GROUP BY 1",
    "accounts": "SELECT account_id AS key, count(*) AS n FROM (SELECT account_id FROM studies WHERE {0}"
    " UNION ALL SELECT account_id FROM consultations WHERE {0} AND account_id IS NOT NULL) GROUP BY 1",
    "corrections": "SELECT s.organ || '/' || coalesce(s.version, '') AS key, count(*) AS n FROM corrections c"
    " JOIN images i ON i.id = c.image_id JOIN studies s ON s.id = i.study_id"
    " WHERE c.deleted_at IS NULL AND c.created_at >= :since AND c.created_at < :until GROUP BY 1",
}
_SPAN = "created_at >= :since AND created_at < :until"


def bounds(day: date) -> tuple[str, str]:
    """The moments between which a day of the box's own calendar lies, as the database keeps them."""
    start = datetime(day.year, day.month, day.day)
    return utc_text(start.astimezone()), utc_text((start + timedelta(days=1)).astimezone())


def count_day(db: sqlite_utils.Database, day: date) -> Counts:
    """Everything that is counted of one day; reads that day's rows only."""
    since, until = bounds(day)
    counts: Counts = {}
    for topic, sql in _QUERIES.items():
        for found in db.query(sql.format(_SPAN), {"since": since, "until": until}):
            counts[(topic, str(found["key"]))] = found["n"]
    return counts


def roll_up(database: Database, today: date, anew: bool = False) -> int:
    """Count each day that is long over and was not counted yet; returns how many were.

    It goes on behind the last day that was counted; `anew` looks through all days, for what a restore or a wrong
    clock may have brought in later. A day that still goes on was counted by a clock ahead of the true one: that count
    is let go of, or what is yet to come would never be counted.
    """
    going_on = [(today - timedelta(days=number)).isoformat() for number in range(LIVE_DAYS)]
    if database.read(lambda db: row(db, f"{_COUNTED_DAYS} AND day IN (?, ?)", *going_on)):
        sql = "DELETE FROM statistics_days WHERE topic != 'storage' AND day IN (?, ?)"
        database.write(lambda db: db.conn.execute(sql, going_on))
    due = database.read(lambda db: _uncounted(db, today - timedelta(days=LIVE_DAYS - 1), anew))
    for start in range(0, len(due), _AT_ONCE):
        part = due[start : start + _AT_ONCE]
        counted = [(day, database.read(lambda db, day=day: count_day(db, day))) for day in part]  # type: ignore[misc]
        database.write(lambda db, counted=counted: _keep_all(db, counted))  # type: ignore[misc]
    return len(due)


def _keep_all(db: sqlite_utils.Database, counted: list[tuple[date, Counts]]) -> None:
    for day, counts in counted:
        keep(db, day, counts)


def keep(db: sqlite_utils.Database, day: date, counts: Counts) -> None:
    """Write what a day came to, in the caller's transaction."""
    text = day.isoformat()
    lines = [(text, topic, key, float(amount)) for (topic, key), amount in counts.items()]
    db.conn.executemany(
        "INSERT OR REPLACE INTO statistics_days VALUES (?, ?, ?, ?)", [*lines, (text, COUNTED, "", 1.0)]
    )


def read(database: Database, since: date, until: date, today: date, length: int = 1) -> list[Counts]:
    """From `since` to `until`, both included, what each step of so many days came to."""
    steps: list[Counts] = [{} for _ in range(0, (until - since).days + 1, length)]

    def fill(db: sqlite_utils.Database) -> None:
        asked = (since.isoformat(), length, since.isoformat(), until.isoformat())
        for step, topic, key, amount in db.conn.execute(_STEPS, asked):
            steps[step][(topic, key)] = amount
        first_live = today - timedelta(days=LIVE_DAYS)
        counted = {each["day"] for each in rows(db, f"{_COUNTED_DAYS} AND day >= ?", first_live.isoformat())}
        for number in range(LIVE_DAYS + 1):
            day = first_live + timedelta(days=number)
            if since <= day <= until and day.isoformat() not in counted:
                add(steps[(day - since).days // length], count_day(db, day))

    database.read(fill)
    return steps


def add(whole: Counts, part: Counts) -> None:
    """Add one span's counts to another's."""
    for key, amount in part.items():
        whole[key] = whole.get(key, 0) + amount


def _uncounted(db: sqlite_utils.Database, before: date, anew: bool) -> list[date]:
    """Days with something in them, up to `before`; empty days are skipped by one look into an index."""
    # The key begins with the day: the last one is found at its end, without a look at the others.
    last = row(db, "SELECT max(day) AS day FROM statistics_days WHERE topic != 'storage'")
    moment = bounds(date.fromisoformat(last["day"]))[1] if last and last["day"] and not anew else ""
    counted = {each["day"] for each in rows(db, _COUNTED_DAYS)} if anew else set()
    found = []
    while (day := _next_day(db, moment)) is not None and day < before:
        if day.isoformat() not in counted:
            found.append(day)
        moment = bounds(day)[1]
    return found


def _next_day(db: sqlite_utils.Database, moment: str) -> date | None:
    sql = "SELECT min(created_at) AS at FROM {} WHERE created_at >= ?"
    firsts: list[Any] = [row(db, sql.format(table), moment) for table in ("studies", "consultations")]
    moments = [first["at"] for first in firsts if first and first["at"]]
    return datetime.fromisoformat(min(moments)).astimezone().date() if moments else None
