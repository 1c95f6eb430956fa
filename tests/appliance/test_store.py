"""The database and the file store: durable, whole, and clear about a full disk."""

import errno
import hashlib
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance import storage as storage_module
from appliance.database import Database, row
from appliance.errors import OutOfSpace
from appliance.migrations import migrate, migrations
from appliance.storage import Storage


def test_pragmas_are_those_of_a_box_that_loses_power(database):
    for use in (database.write, database.read):
        assert use(lambda db: db.conn.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"
        assert use(lambda db: db.conn.execute("PRAGMA synchronous").fetchone()[0]) == 2  # FULL
        assert use(lambda db: db.conn.execute("PRAGMA foreign_keys").fetchone()[0]) == 1


def test_readers_cannot_write(database):
    with pytest.raises(Exception, match="数据库"):
        database.read(lambda db: db.conn.execute("DELETE FROM accounts"))


def test_a_failed_write_leaves_nothing(database):
    def half(db):
        db.conn.execute("INSERT INTO audit_rows (at, action, subject) VALUES ('x', 'y', 'z')")
        db.table("audit_rows").insert({"at": "x", "action": "y", "subject": "z"})
        raise ValueError

    with pytest.raises(ValueError):
        database.write(half)
    assert database.read(lambda db: db.table("audit_rows").count) == 0


def test_version_changes_only_for_others_commits(database, settings):
    other = Database(settings.database_path)
    before = other.version()
    assert other.version() == before
    database.write(lambda db: db.table("audit_rows").insert({"at": "x", "action": "y", "subject": "z"}))
    assert other.version() != before
    other.close()


def test_migrations_run_once_and_are_recorded(database):
    migrate(database)
    assert database.read(migrations.pending) == []


def test_a_migration_that_breaks_leaves_no_trace(settings):
    database = Database(settings.database_path)
    broken = migrations.__class__("xiangyi")
    broken._migrations = list(migrations._migrations)

    @broken()
    def m999_breaks(db):
        db.conn.execute("CREATE TABLE half (id TEXT)")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        database.write(broken.apply)
    assert database.read(lambda db: db.table_names()) == []
    migrate(database)
    assert "accounts" in database.read(lambda db: db.table_names())


def test_files_lie_under_their_hash_once(tmp_path):
    storage = Storage(tmp_path)
    first, second = storage.write([b"ab", b"c"]), storage.write([b"abc"])
    assert first == second
    assert first.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert storage.path(first.sha256).read_bytes() == b"abc"
    assert [p for p in (tmp_path / "incoming").iterdir()] == []


def test_file_and_folder_are_synced_before_write_returns(tmp_path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(
        storage_module.os, "fsync", lambda fd: (synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())), real(fd))
    )
    stored = Storage(tmp_path).write([b"abc"])
    final = Storage(tmp_path).path(stored.sha256)
    assert any("/incoming/" in path for path in synced)
    assert synced[-1] == str(final.parent)


def test_full_disk_says_so_and_leaves_nothing(tmp_path):
    storage = Storage(tmp_path)

    def chunks():
        yield b"x" * 100
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutOfSpace, match="磁盘"):
        storage.write(chunks())
    assert list((tmp_path / "incoming").iterdir()) == []


def test_the_last_room_on_a_disk_is_left_to_the_database(tmp_path, monkeypatch):
    storage, left = Storage(tmp_path), [2 * storage_module.SPARE_BYTES, storage_module.SPARE_BYTES - 1]
    monkeypatch.setattr(storage_module.shutil, "disk_usage", lambda path: SimpleNamespace(free=left.pop(0)))
    with pytest.raises(OutOfSpace, match="磁盘"):
        storage.write([b"fits", b"does not"])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_database_on_a_full_disk_is_told_as_such(database):
    def fill(db):
        pages = db.conn.execute("PRAGMA page_count").fetchone()[0]
        db.conn.execute(f"PRAGMA max_page_count = {pages}")

    database.write(fill)

    def insert(db):
        for _ in range(50):
            db.table("audit_rows").insert({"at": "x" * 4000, "action": "y", "subject": "z"})

    with pytest.raises(OutOfSpace):
        database.write(insert)
    assert database.read(lambda db: row(db, "SELECT count(*) AS n FROM audit_rows"))["n"] == 0


def test_a_second_process_waits_for_the_writer(database, settings):
    raw = sqlite3.connect(settings.database_path, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    raw.execute("INSERT INTO audit_rows (at, action, subject) VALUES ('x', 'y', 'z')")
    assert database.read(lambda db: db.table("audit_rows").count) == 0
    raw.execute("COMMIT")
    assert database.read(lambda db: db.table("audit_rows").count) == 1
