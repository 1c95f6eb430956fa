"""Long lists, newest first: conditions put together, and a cursor that no page number slows down."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlite_utils

from appliance.clock import utc_text
from appliance.database import row
from appliance.errors import Invalid

PAGE = 50
MOST_COUNTED = 10_000  # a count beyond it is told as "more than": exact ones cost what a list must not
MOST_EXPORTED = 200_000


@dataclass
class Where:
    """Conditions joined by AND. Every text in them is ours; what people ask for goes in as parameters."""

    clauses: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)

    def add(self, clause: str, *parameters: Any) -> None:
        self.clauses.append(clause)
        self.parameters += parameters

    @property
    def sql(self) -> str:
        return " AND ".join(self.clauses) or "1"


def after(where: Where, order: Sequence[str], cursor: str | None) -> None:
    """Go on behind the row that `cursor` names, in that order, all of it downwards. Raises Invalid for a cursor that
    no page gave."""
    if not cursor:
        return
    at, _, number = cursor.partition("~")
    if not number.isdigit() or len(number) > 18:
        raise Invalid("页码无效，请回到第一页。", "cursor_invalid")
    behind = [at, int(number)][-len(order) :]
    where.add(f"({', '.join(order)}) < ({', '.join('?' * len(behind))})", *behind)


def cursor_of(found: dict[str, Any]) -> str:
    """The cursor behind a row that has `created_at` and its rowid as `number`."""
    return f"{found['created_at']}~{found['number']}"


def between(where: Where, column: str, since: str | None, until: str | None) -> None:
    """From the day `since` to the day `until`, both included, on the box's own calendar. Raises Invalid."""
    if since:
        where.add(f"{column} >= ?", day_start(since))
    if until:
        where.add(f"{column} < ?", day_start(until, 1))


def day_start(day: str, later_days: int = 0) -> str:
    """The moment at which a day such as 2026-11-25 begins here, as the database keeps it. Raises Invalid."""
    try:
        local = datetime.strptime(day, "%Y-%m-%d") + timedelta(days=later_days)
        return utc_text(local.astimezone())
    except (ValueError, OverflowError) as error:
        raise Invalid("日期应形如 2026-11-25。", "date_invalid") from error


def like(text: str) -> str:
    """A pattern for `LIKE ? ESCAPE '\\'` that finds the text itself anywhere."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def count(db: sqlite_utils.Database, source: str, where: Where, most: int = MOST_COUNTED) -> int:
    """How many rows there are, at most one more than `most`."""
    sql = f"SELECT count(*) AS n FROM (SELECT 1 FROM {source} WHERE {where.sql} LIMIT {most + 1})"  # noqa: S608
    found = row(db, sql, *where.parameters)
    return found["n"] if found else 0


def account_ids(db: sqlite_utils.Database, where: Where, column: str, username: str) -> None:
    """Of accounts whose name holds that text: looked up first, so that the list's own index serves."""
    found = [
        each["id"] for each in db.query("SELECT id FROM accounts WHERE username LIKE ? ESCAPE '\\'", [like(username)])
    ]
    where.add(f"{column} IN ({','.join('?' * len(found))})", *found)
