"""What every start does first: folders, schema, the first admin."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.articles.publishing import forget_deleted
from appliance.auth.services import ensure_admin
from appliance.database import Database
from appliance.knowledge.services import bring_up_to_date
from appliance.migrations import migrate
from appliance.settings import Settings
from appliance.storage import Storage

LOCK = "in-use.lock"


def open_database(settings: Settings) -> Database:
    """The migrated database of the settings' data folder, with this version's starter knowledge."""
    database = Database(settings.database_path)
    migrate(database)
    bring_up_to_date(database)
    return database


def prepare(settings: Settings) -> str | None:
    """Make the box ready to start; returns the first admin's one-time password when it was just made."""
    database = open_database(settings)
    Storage(settings.files_dir).forget_unfinished()
    forget_deleted(database)
    password = ensure_admin(database, settings.admin_password)
    database.close()
    return password


class InUse(Exception):
    """Another process holds the data folder."""


@contextmanager
def hold(settings: Settings, exclusive: bool = False) -> Iterator[None]:
    """Hold the data folder: the box's processes share it, a restore has it alone. Raises InUse."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    busy, path = f"数据文件夹 {settings.data_dir} 正被使用。", settings.data_dir / LOCK
    with path.open("w") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            # A restore may have swapped the folders between the two: this would hold the one that was put away.
            held = os.path.samestat(path.stat(), os.fstat(file.fileno()))
        except (BlockingIOError, FileNotFoundError) as error:
            raise InUse(busy) from error
        if not held:
            raise InUse(busy)
        yield
