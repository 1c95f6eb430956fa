"""Files that a row has let go: noted in the transaction that took the row, removed when nothing names them any more.

The same content is stored once, however many rows name it; so a name is looked for in every `…sha256` column.
"""

from collections.abc import Iterable

import sqlite_utils

from appliance.database import Database, rows
from appliance.storage import Storage

FRESH_S = 3600  # a row that names a file comes at most so long after it
_BATCH = 400


def note(db: sqlite_utils.Database, *names: str | None) -> None:
    """These may go, in the caller's transaction."""
    db.conn.executemany("INSERT OR IGNORE INTO leftovers(file) VALUES (?)", [(name,) for name in names if name])


def sweep(database: Database, storage: Storage) -> int:
    """Remove what nothing names; returns how many files went. What was written within FRESH_S waits for another time,
    for the row that names it may still be on its way."""
    every = [each["file"] for each in database.read(lambda db: rows(db, "SELECT file FROM leftovers"))]
    return sum(_sweep(database, storage, every[at : at + _BATCH]) for at in range(0, len(every), _BATCH))


def _sweep(database: Database, storage: Storage, names: list[str]) -> int:
    loose = set(names) - _named(database, names)
    aside = [name for name in loose if storage.put_aside(name, FRESH_S)]
    # Asked again when they are out of reach: who stores the same content meanwhile writes it anew.
    claimed = _named(database, aside)
    for name in aside:
        if name in claimed:
            storage.bring_back(name)
        else:
            storage.remove_aside(name)
    done = [(name,) for name in names if name in claimed or name not in loose or not storage.path(name).exists()]
    database.write(lambda db: db.conn.executemany("DELETE FROM leftovers WHERE file = ?", done))
    return len(aside) - len(claimed)


def _named(database: Database, names: Iterable[str]) -> set[str]:
    """Those of the names that any table still holds: a picture may be in two studies, or in an article."""
    return database.read(lambda db: _named_in(db, list(names)))


def _named_in(db: sqlite_utils.Database, names: list[str]) -> set[str]:
    found: set[str] = set()
    marks = ",".join("?" * len(names))
    for table in rows(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"):
        for column in rows(db, f"PRAGMA table_info('{table['name']}')"):
            if column["name"].endswith("sha256"):
                sql = f"SELECT {column['name']} AS name FROM '{table['name']}' WHERE {column['name']} IN ({marks})"  # noqa: S608
                found |= {each["name"] for each in rows(db, sql, *names)}
    return found
