"""Many rows at once, for statistics and long lists: studies with their jobs, consultations with their messages."""

import json
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import sqlite_utils

from appliance.clock import utc_text
from appliance.database import Database

ORGANS = ("retina", "chest", "liver")
STATUSES = ("succeeded",) * 8 + ("refused", "failed")
SOURCES = ("local",) * 6 + ("passages",) * 2 + ("triage", "fallback")
# What SQLite itself takes for the first page of the admin's list: the least that a list can cost.
BARE = (
    "SELECT s.id, s.organ, s.status, s.created_at, a.username FROM studies s JOIN accounts a ON a.id = s.account_id"
    " WHERE s.deleted_at IS NULL ORDER BY s.created_at DESC LIMIT 51"
)
QUESTION = "孩子发热三天，咳嗽，夜里睡不好，应该怎么办？第{}问"


def fill(
    database: Database, studies: int, consultations: int, days: int, until: date, images: bool = False, seed: int = 1
) -> None:
    """Spread rows evenly over `days` days up to `until`, over all accounts."""
    chance = random.Random(seed)

    def write(db: sqlite_utils.Database) -> None:
        accounts = [each["id"] for each in db.query("SELECT id FROM accounts")]
        for number, at in enumerate(_moments(studies, days, until)):
            _study(db, chance, f"s{seed}-{number}", at, accounts, images)
        for number, at in enumerate(_moments(consultations, days, until)):
            _consultation(db, chance, f"c{seed}-{number}", at, accounts, number)

    database.write(write)


def _moments(count: int, days: int, until: date) -> Iterator[datetime]:
    first = datetime(until.year, until.month, until.day).astimezone() - timedelta(days=days - 1)
    for number in range(count):
        yield first + timedelta(days=days * (number + 0.5) / count)


def _study(
    db: sqlite_utils.Database, chance: random.Random, key: str, at: datetime, accounts: list[str], images: bool
) -> None:
    status, organ, took_ms = chance.choice(STATUSES), chance.choice(ORGANS), chance.lognormvariate(7, 0.6)
    release = json.dumps({"name": organ, "version": chance.choice(("1.0.0", "2.0.0")), "sha256": "x"})
    created = utc_text(at)
    db.conn.execute(
        "INSERT INTO studies(id, account_id, organ, source, created_at, release, status, total_ms)"
        " VALUES (?, ?, ?, 'upload', ?, ?, ?, ?)",
        (key, chance.choice(accounts), organ, created, release if status != "failed" else None, status, took_ms),
    )
    state = "succeeded" if status == "refused" else status
    db.conn.execute(
        "INSERT INTO jobs(id, kind, subject_id, state, created_at, finished_at) VALUES (?, 'segment', ?, ?, ?, ?)",
        (f"j{key}", key, state, created, utc_text(at + timedelta(milliseconds=took_ms))),
    )
    if images:
        db.conn.execute(
            "INSERT INTO images(id, study_id, position, name, media_type, width_px, height_px, source_sha256)"
            " VALUES (?, ?, 0, 'a.png', 'image/png', 10, 10, 'x')",
            (f"i{key}", key),
        )


def _consultation(
    db: sqlite_utils.Database, chance: random.Random, key: str, at: datetime, accounts: list[str], number: int
) -> None:
    created, triage = utc_text(at), json.dumps({"level": "routine", "rule": None, "advice": None})
    timings = json.dumps({"firstToken": 900.0, "total": round(chance.lognormvariate(8, 0.5), 1)})
    db.conn.execute(
        "INSERT INTO consultations(id, account_id, created_at) VALUES (?, ?, ?)",
        (key, chance.choice(accounts), created),
    )
    insert = (
        "INSERT INTO messages(id, consultation_id, position, role, text, triage, sources, source, model, timings_ms,"
        " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    db.conn.execute(insert, (f"{key}q", key, 0, "user", QUESTION.format(number), *[None] * 5, created))
    answer = (triage, "[]", chance.choice(SOURCES), "model", timings, created)
    db.conn.execute(insert, (f"{key}a", key, 1, "assistant", "多喝水，注意休息。" * 10, *answer))
