"""Everyone's rows of a table, as admins list them: newest first, page by page, hidden and brought back."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import sqlite_utils

from appliance import audit, lists
from appliance.auth.services import Account
from appliance.clock import utc_now
from appliance.database import Database
from appliance.errors import NotFound
from appliance.lists import Where

T = TypeVar("T")
L = TypeVar("L", bound=msgspec.Struct)
KEPT_DAYS = 30  # how long what was hidden can be brought back


@dataclass(frozen=True)
class Listing:
    """`name` begins what the audit log says; `source` is where rows come from, `alias` the table's name in it.

    `order` ends with the number that tells two rows apart: a cursor goes on behind it.
    """

    name: str
    table: str
    alias: str
    source: str
    columns: str
    order: tuple[str, ...]
    missing: type[NotFound]
    most_counted: int = lists.MOST_COUNTED

    def rows(self, db: sqlite_utils.Database, where: Where, limit: int, columns: str = "") -> Iterable[dict[str, Any]]:
        """With the names of their accounts, newest first."""
        order = ", ".join(f"{column} DESC" for column in self.order)
        sql = (
            f"SELECT {self.order[-1]} AS number, a.username, {self.columns}{columns} FROM {self.source}"  # noqa: S608
            f" LEFT JOIN accounts a ON a.id = {self.alias}.account_id WHERE {where.sql} ORDER BY {order} LIMIT ?"
        )
        return db.query(sql, [*where.parameters, limit])

    def page(
        self, db: sqlite_utils.Database, where: Where, before: str | None, line: type[L]
    ) -> tuple[list[L], str | None, int, int]:
        """(lines behind the cursor, the next cursor, how many match, up to which number that is exact).

        Raises Invalid for a cursor that no page gave. A first page that is the last needs no count.
        """
        total = lists.count(db, self.source, where, self.most_counted) if before else None
        lists.after(where, self.order, before)
        found = list(self.rows(db, where, lists.PAGE + 1))
        if total is None:
            total = len(found) if len(found) <= lists.PAGE else lists.count(db, self.source, where, self.most_counted)
        more = lists.cursor_of(found[lists.PAGE - 1]) if len(found) > lists.PAGE else None
        return [line_of(line, each) for each in found[: lists.PAGE]], more, total, self.most_counted

    def told(
        self,
        database: Database,
        account: Account,
        action: str,
        address: str,
        read: Callable[[sqlite_utils.Database], T],
    ) -> T:
        """What `read` finds, and a row in the audit log that this account did so."""
        found = database.read(read)
        database.write(lambda db: audit.record(db, account.id, f"{self.name}.{action}", "all", address))
        return found

    def hide(self, database: Database, account: Account, row_id: str, address: str) -> None:
        """From everyone; it can be brought back for KEPT_DAYS. Raises what `missing` says."""
        self._mark(database, account, row_id, "NULL", utc_now(), "delete", address)

    def bring_back(self, database: Database, account: Account, row_id: str, address: str) -> None:
        """What was hidden. Raises what `missing` says."""
        self._mark(database, account, row_id, "NOT NULL", None, "restore", address)

    def _mark(
        self, database: Database, account: Account, row_id: str, now: str, at: str | None, action: str, address: str
    ) -> None:
        def update(db: sqlite_utils.Database) -> None:
            sql = f"UPDATE {self.table} SET deleted_at = ? WHERE id = ? AND deleted_at IS {now}"  # noqa: S608
            if db.conn.execute(sql, (at, row_id)).rowcount != 1:
                raise self.missing()
            audit.record(db, account.id, f"{self.name}.{action}", row_id, address)

        database.write(update)


def line_of(kind: type[L], found: dict[str, Any]) -> L:
    """A row as the list tells it."""
    return kind(**{name: found[name] for name in kind.__struct_fields__})
