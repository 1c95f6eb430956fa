"""The statistics of a range: series for charts, totals, percentiles, storage; and all of it as CSV."""

import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta

import msgspec

from appliance import audit
from appliance.auth.services import Account
from appliance.database import Database, row
from appliance.errors import Invalid
from appliance.settings import Settings
from appliance.sheets import csv_bytes
from appliance.statistics import days
from appliance.statistics.days import STEP, Counts

MOST_DAYS = 3660
PERCENTILES = (50, 90, 95, 99)
FILES = ("storage", "files")


class Series(msgspec.Struct, rename="camel"):
    """One line or one colour of bars: a number for each step of the range, None where there is none."""

    key: str
    values: list[float | None]


class Percentiles(msgspec.Struct, rename="camel"):
    """Of a latency over the whole range, in milliseconds; `count` is how many were measured."""

    count: int
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None


class StorageOut(msgspec.Struct, rename="camel"):
    """`filesBytes` was measured on `filesOn`; None before the first night."""

    database_bytes: int
    files_bytes: float | None
    files_on: str | None
    free_bytes: int


class StatisticsOut(msgspec.Struct, rename="camel"):
    """`steps` are the first days of the steps, `stepDays` long. Keys: organs, statuses, sources, levels, releases."""

    since: str
    until: str
    step_days: int
    steps: list[str]
    studies: list[Series]
    unserved: list[Series]
    answers: list[Series]
    active: list[Series]
    latency: list[Series]
    by_status: dict[str, int]
    by_organ: dict[str, int]
    by_source: dict[str, int]
    by_level: dict[str, int]
    by_release: dict[str, int]
    corrections: dict[str, int]
    active_accounts: int
    study_ms: Percentiles
    answer_ms: Percentiles
    storage: StorageOut


def get(database: Database, settings: Settings, since: date, until: date) -> StatisticsOut:
    """From the day `since` to the day `until`, both included. Raises Invalid."""
    if since > until or (until - since).days >= MOST_DAYS:
        raise Invalid("日期范围不正确：起始日应早于截止日，且不超过十年。", "range_invalid")
    today = datetime.now().date()
    days.roll_up(database, today)
    length = _step_days((until - since).days + 1)
    steps = days.read(database, since, until, today, length)
    whole: Counts = {}
    for step in steps:
        days.add(whole, step)
    return StatisticsOut(
        since=since.isoformat(),
        until=until.isoformat(),
        step_days=length,
        steps=[(since + timedelta(days=number * length)).isoformat() for number in range(len(steps))],
        studies=_series(steps, "studies", _organ_of),
        unserved=[each for each in _series(steps, "studies", _status_of) if each.key in ("refused", "failed")],
        answers=_series(steps, "answers", str),
        active=[Series("active", [float(len(_keys(step, "accounts"))) for step in steps])],
        latency=[Series(f"p{p}", [_percentile(step, "study_ms", p) for step in steps]) for p in (50, 95)],
        by_status=_totals(whole, "studies", _status_of),
        by_organ=_totals(whole, "studies", _organ_of),
        by_source=_totals(whole, "answers", str),
        by_level=_totals(whole, "levels", str),
        by_release=_totals(whole, "releases", str),
        corrections=_totals(whole, "corrections", str),
        active_accounts=len(_keys(whole, "accounts")),
        study_ms=_percentiles(whole, "study_ms"),
        answer_ms=_percentiles(whole, "answer_ms"),
        storage=_storage(database, settings),
    )


def export(database: Database, settings: Settings, account: Account, since: date, until: date, address: str) -> bytes:
    """A line for each day, topic and key; accounts are counted, not named."""
    get(database, settings, since, until)  # checks the range, and counts what is due
    lines: list[tuple[str, str, str, float]] = []
    for number, counts in enumerate(days.read(database, since, until, datetime.now().date())):
        day = since + timedelta(days=number)
        lines.append((day.isoformat(), "active_accounts", "", len(_keys(counts, "accounts"))))
        for topic in ("studies", "releases", "corrections", "answers", "levels"):
            lines += [(day.isoformat(), topic, key, int(n)) for (of, key), n in sorted(counts.items()) if of == topic]
        for topic in ("study_ms", "answer_ms"):
            told = ((f"p{p}", _percentile(counts, topic, p)) for p in PERCENTILES)
            lines += [(day.isoformat(), topic, key, value) for key, value in told if value is not None]
    database.write(lambda db: audit.record(db, account.id, "statistics.export", "all", address))
    return csv_bytes(("日期", "项目", "分类", "数值"), lines)


def measure_storage(database: Database, settings: Settings, today: date) -> None:
    """Once a day, add up the stored files: on a large box that takes seconds, so no page does it."""
    sql = "SELECT 1 FROM statistics_days WHERE day = ? AND topic = ? AND key = ?"
    if database.read(lambda db: row(db, sql, today.isoformat(), *FILES)):
        return
    total = sum(path.stat().st_size for path in settings.files_dir.glob("*/*") if path.is_file())
    line = (today.isoformat(), *FILES, float(total))
    database.write(lambda db: db.conn.execute("INSERT OR REPLACE INTO statistics_days VALUES (?, ?, ?, ?)", line))


def _step_days(length: int) -> int:
    """A chart holds some sixty steps: days, then weeks, then months of thirty days."""
    return 1 if length <= 62 else 7 if length <= 434 else 30


def _keys(counts: Counts, topic: str) -> list[str]:
    return [key for of, key in counts if of == topic]


def _totals(counts: Counts, topic: str, name: Callable[[str], str]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for (of, key), amount in counts.items():
        if of == topic:
            totals[name(key)] = totals.get(name(key), 0) + int(amount)
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


def _series(steps: list[Counts], topic: str, name: Callable[[str], str]) -> list[Series]:
    totals = [_totals(step, topic, name) for step in steps]
    keys = sorted({key for step in totals for key in step})
    return [Series(key, [float(step.get(key, 0)) for step in totals]) for key in keys]


def _organ_of(key: str) -> str:
    return key.partition("/")[0]


def _status_of(key: str) -> str:
    return key.partition("/")[2]


def _percentile(counts: Counts, topic: str, percent: int) -> float | None:
    """From the buckets: the middle of the one that holds the percentile. Milliseconds."""
    buckets = sorted((int(key), amount) for (of, key), amount in counts.items() if of == topic)
    wanted = sum(amount for _, amount in buckets) * percent / 100
    for bucket, amount in buckets:
        wanted -= amount
        if wanted <= 0:
            return round(STEP ** (bucket + 0.5), 1)
    return None


def _percentiles(counts: Counts, topic: str) -> Percentiles:
    number = int(sum(amount for (of, _), amount in counts.items() if of == topic))
    return Percentiles(number, *(_percentile(counts, topic, percent) for percent in PERCENTILES))


def _storage(database: Database, settings: Settings) -> StorageOut:
    sql = "SELECT day, amount FROM statistics_days WHERE topic = ? AND key = ? ORDER BY day DESC LIMIT 1"
    files = database.read(lambda db: row(db, sql, *FILES))
    size = sum(path.stat().st_size for path in settings.data_dir.glob("xiangyi.db*"))
    free = shutil.disk_usage(settings.data_dir).free
    return StorageOut(size, files["amount"] if files else None, files["day"] if files else None, free)
