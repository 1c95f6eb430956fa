"""Which channels are due, what a fetch brought, and the headlines that are kept."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import sqlite_utils

from appliance import jobs
from appliance.clock import utc_now
from appliance.database import Database, row, rows
from appliance.headlines.channels import Headline
from appliance.headlines.schemas import HeadlineOut, HeadlinePage
from appliance.overrides.services import current
from appliance.settings import HeadlineSettings, Settings

FETCH = "fetch_headlines"  # the kind of job; its subject is the channel's address
PAGE = 20
KEPT = 200  # of each channel
LONGEST_BACK_OFF = timedelta(hours=4)


def enqueue_due(database: Database, settings: HeadlineSettings) -> None:
    """Queue a fetch of each channel whose time has come; none while the interval is 0."""
    if settings.interval_minutes <= 0 or not settings.enabled:
        return
    due = database.read(lambda db: [address for address in settings.channels if _is_due(db, address, settings)])
    for address in due:
        database.write(lambda db, a=address: jobs.enqueue(db, FETCH, a))  # type: ignore[misc]


def _is_due(db: sqlite_utils.Database, address: str, settings: HeadlineSettings) -> bool:
    waiting = "SELECT 1 FROM jobs WHERE subject_id = ? AND kind = ? AND state IN ('queued', 'running')"
    if row(db, waiting, address, FETCH):
        return False
    known = row(db, "SELECT tried_at, failures FROM headline_feeds WHERE url = ?", address)
    if known is None:
        return True
    since = datetime.now(UTC) - datetime.fromisoformat(known["tried_at"])
    # A moment in the future tells of a clock that was wrong: then it is due as well.
    return since < timedelta(0) or since >= pause_after(known["failures"], settings)


def pause_after(failures: int, settings: HeadlineSettings) -> timedelta:
    """How long a channel rests: the interval, or after failures in a row 1, 2, 4 … minutes up to some hours."""
    if not failures:
        return timedelta(minutes=settings.interval_minutes)
    return min(timedelta(minutes=2 ** min(failures - 1, 10)), LONGEST_BACK_OFF)


def keep(db: sqlite_utils.Database, address: str, found: list[Headline]) -> None:
    """Write what a channel gave, in the caller's transaction; what it gave before stays, up to a bound."""
    now = utc_now()
    sql = (
        "INSERT INTO headlines (id, feed, title, source, picture_url, url, published_at)"
        " VALUES (:id, :feed, :title, :source, :picture_url, :url, :published_at) ON CONFLICT (id) DO UPDATE SET"
        " title = excluded.title, source = excluded.source, picture_url = excluded.picture_url, url = excluded.url"
    )
    for item in found:
        db.conn.execute(sql, {**asdict(item), "feed": address, "published_at": item.published_at or now})
    newest = "SELECT id FROM headlines WHERE feed = ? ORDER BY published_at DESC, id DESC LIMIT ?"
    db.conn.execute(f"DELETE FROM headlines WHERE feed = ? AND id NOT IN ({newest})", (address, address, KEPT))  # noqa: S608
    _note(db, address, {"tried_at": now, "fetched_at": now, "failures": 0, "problem": None})


def keep_problem(db: sqlite_utils.Database, address: str, problem: str) -> None:
    """Note in the caller's transaction that a channel could not be had; its headlines stay."""
    known = row(db, "SELECT failures FROM headline_feeds WHERE url = ?", address)
    failures = (known["failures"] if known else 0) + 1
    _note(db, address, {"tried_at": utc_now(), "failures": failures, "problem": problem})


def _note(db: sqlite_utils.Database, address: str, values: dict[str, object]) -> None:
    db.table("headline_feeds").upsert({"url": address, **values}, pk="url")
    # A job each half hour would otherwise grow the table for ever.
    ended = "DELETE FROM jobs WHERE kind = ? AND subject_id = ? AND state IN ('succeeded', 'failed')"
    db.conn.execute(ended, (FETCH, address))


def page(database: Database, settings: Settings, before: str | None = None, size: int = PAGE) -> HeadlinePage:
    """Headlines, newest first, unless an admin switched them off; `before` is the cursor that the last page gave."""
    if not current(database, settings).headlines.enabled:
        return HeadlinePage([], None, None, False)
    moment, _, name = (before or "9999~").partition("~")
    sql = (
        "SELECT id, title, source, published_at, picture_url, url FROM headlines"
        " WHERE (published_at, id) < (?, ?) ORDER BY published_at DESC, id DESC LIMIT ?"
    )
    found = database.read(lambda db: rows(db, sql, moment, name, size + 1))
    last = database.read(lambda db: row(db, "SELECT max(fetched_at) AS at FROM headline_feeds"))
    items = [HeadlineOut(**item) for item in found[:size]]
    cursor = f"{items[-1].published_at}~{items[-1].id}" if len(found) > size else None
    return HeadlinePage(items, cursor, last["at"] if last else None)
