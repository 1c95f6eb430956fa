"""SQLite: one writer, readers beside it. WAL with synchronous=FULL, so that what was committed outlives a power cut."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread
import sqlite_utils

from appliance.errors import Invalid, OutOfSpace, XiangyiError

T = TypeVar("T")
BUSY_MS = 10_000


class DatabaseError(XiangyiError):
    code, message = "database_error", "数据库暂时无法读写，请稍后重试；如反复出现，请联系管理员。"
    status = 503


class Database:
    """A database file. Each process that opens one has one writing connection, and a reading one for each thread."""

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._connect()
        self._lock = threading.Lock()
        self._readers = threading.local()

    def write(self, function: Callable[[sqlite_utils.Database], T]) -> T:
        """Run `function` in a transaction that holds the write lock from its start; commit unless it raises."""
        with self._lock:
            connection = self._writer.conn
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    result = function(self._writer)
                    connection.execute("COMMIT")
                    return result
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.OperationalError as error:
                raise _translate(error) from error

    def read(self, function: Callable[[sqlite_utils.Database], T]) -> T:
        """Run `function` on this thread's reading connection. Raises Invalid for a number that SQLite cannot hold."""
        reader = getattr(self._readers, "database", None)
        if reader is None:
            reader = self._readers.database = self._connect()
            reader.conn.execute("PRAGMA query_only = ON")
        try:
            return function(reader)
        except OverflowError as error:  # asked for by somebody: no row has a number beyond 64 bits
            raise Invalid() from error
        except sqlite3.OperationalError as error:
            raise _translate(error) from error

    async def awrite(self, function: Callable[[sqlite_utils.Database], T]) -> T:
        """`write` from a coroutine, off the event loop."""
        return await anyio.to_thread.run_sync(self.write, function)

    async def aread(self, function: Callable[[sqlite_utils.Database], T]) -> T:
        """`read` from a coroutine, off the event loop."""
        return await anyio.to_thread.run_sync(self.read, function)

    def version(self) -> int:
        """A number that changes when another connection or process has committed. Microseconds: made to be polled."""
        return self.read(lambda db: db.conn.execute("PRAGMA data_version").fetchone()[0])

    def settle(self) -> None:
        """Bring what was committed into the database's own file and empty the log beside it, as far as readers let."""
        with self._lock:
            self._writer.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        with self._lock:
            self._writer.close()

    def _connect(self) -> sqlite_utils.Database:
        connection = sqlite3.connect(self.path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return sqlite_utils.Database(connection)


def rows(db: sqlite_utils.Database, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """All rows of a query as dictionaries."""
    return list(db.query(sql, parameters))


def row(db: sqlite_utils.Database, sql: str, *parameters: Any) -> dict[str, Any] | None:
    """The first row of a query, or None."""
    return next(iter(db.query(sql, parameters)), None)


def _translate(error: sqlite3.OperationalError) -> XiangyiError:
    if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
        return OutOfSpace()
    return DatabaseError(reason=str(error))
