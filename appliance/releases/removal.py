"""Take an uploaded release away: its folder, its archive, and its place among those to go back to."""

import shutil
from pathlib import Path

import sqlite_utils

from appliance import audit, leftovers
from appliance.database import Database, row
from appliance.errors import Conflict
from appliance.releases import activation, shelf

REMOVED = "这个版本后来被删除。"


def remove(
    database: Database, releases_dir: Path, organ: str, version: str, account_id: str | None, address: str
) -> None:
    """What it has segmented stays as it is.

    Raises ReleaseNotFound, and Conflict for the one that is served and for those that came with the box.
    """
    folder = shelf.find(releases_dir, organ, version)
    if not folder.is_relative_to(releases_dir):
        raise Conflict("随机附带的版本不能删除。", "release_built_in")

    def take(db: sqlite_utils.Database) -> None:
        if activation.active(db, organ) == version:
            raise Conflict("这个版本正在使用，请先启用另一个版本。", "release_active")
        found = row(db, "SELECT archive_sha256 FROM releases WHERE organ = ? AND version = ?", organ, version)
        leftovers.note(db, found["archive_sha256"] if found else None)
        db.conn.execute("DELETE FROM releases WHERE organ = ? AND version = ?", (organ, version))
        # So that no roll-back leads to it; what went wrong with it at the time stays said.
        sql = "UPDATE activations SET failure = coalesce(failure, ?) WHERE organ = ? AND version = ?"
        db.conn.execute(sql, (REMOVED, organ, version))
        audit.record(db, account_id, "release.delete", f"{organ}/{version}", address)

    database.write(take)
    # After the row: a folder without one is left of a crash, and can be removed again or replaced.
    shutil.rmtree(folder)
