"""Backups: encrypted, proven, rotated; and what a power cut, a full disk, a wrong key or a missing stick do."""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

from appliance import archive, backup, web, worker
from appliance.archive import BackupError
from appliance.auth.services import create_account
from appliance.backups import command, folder, services
from appliance.checks import backup as check
from appliance.checks.check import Context
from appliance.clock import utc_ago
from appliance.database import Database, row, rows
from appliance.encryption import MAGIC, is_encrypted, make_key, own_key, read_key
from appliance.engines import Health
from appliance.migrations import migrate
from appliance.settings import BackupSettings, Settings, load_settings
from appliance.start import InUse, hold
from appliance.storage import Storage


@pytest.fixture
def hospital(tmp_path: Path) -> Settings:
    """A box with an account, two files and a key of its own."""
    keyed = BackupSettings(key_file=tmp_path / "etc" / "key")
    made = Settings(data_dir=tmp_path / "data", backup_dir=tmp_path / "disk", backup=keyed)
    fill(made, "lily", b"a film" * 5000)
    make_key(tmp_path / "etc" / "key")
    return made


def fill(settings: Settings, name: str, content: bytes) -> None:
    database = Database(settings.database_path)
    migrate(database)
    create_account(database, name, "some-word-1", "clinician")
    database.close()
    Storage(settings.files_dir).write([content])
    Storage(settings.files_dir).write([os.urandom(200_000)])


def names(settings: Settings) -> list[str]:
    database = Database(settings.database_path)
    found = database.read(lambda db: [each["username"] for each in rows(db, "SELECT username FROM accounts")])
    database.close()
    return found


def state(settings: Settings) -> dict[str, str]:
    files = [path for path in settings.files_dir.glob("??/*")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def blank(settings: Settings, where: Path) -> Settings:
    """A new box with nothing in its data folder."""
    where.mkdir(parents=True)
    return msgspec.structs.replace(settings, data_dir=where, backup=BackupSettings())


def die_in(module: object, name: str, work: Callable[[], object], after: bool = False) -> None:
    """Run `work` in a process that is killed where it calls `module.name`, as a power cut would."""
    child = os.fork()
    if child == 0:
        original = getattr(module, name)

        def cut(*args, **kwargs):
            if after:
                original(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(module, name, cut)
        try:
            work()
        finally:
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_an_encrypted_backup_brings_a_blank_box_everything_back(hospital, tmp_path):
    file = tmp_path / "stick" / "box.tar.age"
    file.parent.mkdir()
    assert backup.back_up(hospital, file) == 3
    assert file.read_bytes().startswith(MAGIC) and b"a film" not in file.read_bytes()
    new = blank(hospital, tmp_path / "new" / "data")
    on_paper = read_key(command.key_sheet(hospital).splitlines()[3].lower())
    assert backup.bring_back(new, file, on_paper) is None
    assert names(new) == ["lily"] and state(new) == state(hospital) and len(state(new)) == 2


def test_a_plain_backup_is_a_tar_and_restore_tells_them_apart(hospital, tmp_path):
    backup.back_up(hospital, tmp_path / "plain.tar", plain=True)
    assert not is_encrypted(tmp_path / "plain.tar")
    fill(hospital, "late", b"later")
    kept = backup.bring_back(hospital, tmp_path / "plain.tar")
    assert names(hospital) == ["lily"]
    assert sorted(names(msgspec.structs.replace(hospital, data_dir=kept))) == ["late", "lily"]


def test_no_plain_copy_lies_beside_an_encrypted_one(hospital, monkeypatch):
    seen: list[bytes] = []

    def look(settings, file):
        seen.extend(path.read_bytes()[:16] for path in file.parent.iterdir())

    hospital.backups_dir.mkdir()
    monkeypatch.setattr(backup, "prove", look)
    backup.back_up(hospital, hospital.backups_dir / "x.tar.age")
    assert seen and all(start == MAGIC[:16] for start in seen)
    assert list((hospital.data_dir / "scratch").iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "cut at the end", "flipped", "foreign", "longer"])
def test_what_is_damaged_is_refused_and_nothing_changes(hospital, tmp_path, damage):
    file = tmp_path / "box.tar.age"
    backup.back_up(hospital, file)
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    damaged = {
        "cut": content[: len(content) // 2],
        "cut at the end": content[:-40],
        "flipped": content,
        "foreign": MAGIC + b"-> X25519 nonsense\n",
        "longer": content + b"x",
    }[damage]
    file.write_bytes(damaged)
    before = state(hospital)
    with pytest.raises(BackupError, match="已损坏"):
        backup.bring_back(hospital, file)
    assert names(hospital) == ["lily"] and state(hospital) == before
    assert [path.name for path in tmp_path.iterdir() if "restore" in path.name or "before" in path.name] == []


def test_a_wrong_key_is_called_one(hospital, tmp_path):
    file = tmp_path / "box.tar.age"
    backup.back_up(hospital, file)
    other = make_key(tmp_path / "other")
    with pytest.raises(BackupError, match="不是用这把密钥"):
        backup.bring_back(hospital, file, other)
    keyless = msgspec.structs.replace(hospital, backup=BackupSettings())
    with pytest.raises(BackupError, match="已加密"):
        backup.bring_back(keyless, file)
    with pytest.raises(BackupError, match="逐字核对"):
        read_key("AGE-SECRET-KEY-1" + "Q" * 58)


def test_a_county_key_opens_it_as_well(hospital, tmp_path):
    county = make_key(tmp_path / "county")
    both = msgspec.structs.replace(hospital.backup, recipients=(str(county.to_public()),))
    hospital = msgspec.structs.replace(hospital, backup=both)
    backup.back_up(hospital, tmp_path / "box.tar.age")
    new = blank(hospital, tmp_path / "new" / "data")
    backup.bring_back(new, tmp_path / "box.tar.age", county)
    assert names(new) == ["lily"]


def test_a_lost_key_stops_the_backup_instead_of_leaving_it_plain(hospital, tmp_path):
    hospital.backup.key_file.unlink()
    with pytest.raises(BackupError, match="xiangyi backup-key"):
        backup.back_up(hospital, tmp_path / "box.tar.age")
    assert not (tmp_path / "box.tar.age").exists()


def test_an_archive_that_would_not_come_back_is_no_backup(hospital, tmp_path, monkeypatch):
    """The proof is a restore: here the database in the archive is broken, though every hash is right."""
    monkeypatch.setattr(backup, "_copy_database", lambda source, target: target.write_bytes(b"no database" * 999))
    with pytest.raises(BackupError, match="无法打开"):
        backup.back_up(hospital, tmp_path / "box.tar")
    assert [path.name for path in tmp_path.iterdir() if "box.tar" in path.name] == []


def grow_older(db, seconds: int) -> None:
    for number, each in enumerate(rows(db, "SELECT id FROM backups ORDER BY started_at DESC"), 1):
        db.table("backups").update(each["id"], {"started_at": utc_ago(timedelta(seconds=seconds * number))})


@pytest.mark.parametrize(("module", "name"), [(archive, "write"), (backup, "prove"), (backup, "_fsync_folder")])
def test_a_power_cut_in_a_backup_leaves_the_old_ones_and_no_half_one(hospital, module, name):
    database = Database(hospital.database_path)
    first = services.run_scheduled(database, hospital)
    whole = first.read_bytes()
    first.rename(first.with_name("xiangyi-20200101-000000.tar.age"))
    die_in(module, name, lambda: services.run_scheduled(Database(hospital.database_path), hospital))
    database.write(partial(grow_older, seconds=10))
    assert "断电" in services.last_trouble(database, hospital)
    second = services.run_scheduled(database, hospital)
    left = sorted(path.name for path in hospital.backups_dir.iterdir())
    assert {"xiangyi-20200101-000000.tar.age", second.name} <= set(left) and not any(x.startswith(".") for x in left)
    assert (hospital.backups_dir / left[0]).read_bytes() == whole
    assert services.last_trouble(database, hospital) == ""
    for each in hospital.backups_dir.iterdir():
        backup.prove(hospital, each)


STEPS = [(archive, "unpack")] + [(backup, name) for name in ("_check_database", "_own_as", "_exchange", "_keep")]


@pytest.mark.parametrize(("module", "name"), STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_a_power_cut_in_a_restore_leaves_all_or_nothing(hospital, tmp_path, module, name, after):
    file = tmp_path / "box.tar.age"
    backup.back_up(hospital, file)
    fill(hospital, "late", b"later")
    old, new = ["lily", "late"], ["lily"]
    die_in(module, name, lambda: backup.bring_back(hospital, file), after)
    found = names(hospital)
    assert sorted(found) in (sorted(old), new), found
    assert len(state(hospital)) == (2 if found == new else 4)
    kept = backup.bring_back(hospital, file)  # a second try tidies up, and loses nothing that was replaced
    assert names(hospital) == new and kept is not None
    befores = [msgspec.structs.replace(hospital, data_dir=path) for path in tmp_path.glob("data-before-*")]
    assert sorted(old) in [sorted(names(each)) for each in befores]
    assert list(tmp_path.glob(".data.restore-*")) == []


@pytest.mark.parametrize("start", [web.serve, worker.work])
def test_nothing_opens_the_data_while_a_restore_has_them(start, tmp_path, monkeypatch):
    """What was opened before the swap would be the replaced database, and what was written to it would be lost."""
    monkeypatch.setattr("appliance.web.set_up_logs", lambda name: None)
    settings = Settings(data_dir=tmp_path / "data")
    with hold(settings, exclusive=True), pytest.raises(InUse):
        start(settings)
    assert not settings.database_path.exists()


def test_a_folder_that_is_swapped_before_it_is_locked_is_not_held(tmp_path, monkeypatch):
    settings = Settings(data_dir=tmp_path / "data")
    lock = fcntl.flock

    def swap_then_lock(file, how):
        settings.data_dir.rename(tmp_path / "put-away")
        settings.data_dir.mkdir()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", swap_then_lock)
    with pytest.raises(InUse), hold(settings):
        pass


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB."""
    mount = tmp_path / "small"
    mount.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk here: {done.stderr.decode().strip()}")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_full_disk_leaves_nothing_behind_and_says_so(hospital, small_disk, tmp_path):
    on_stick = msgspec.structs.replace(hospital, backup_dir=small_disk)
    Storage(hospital.files_dir).write([os.urandom(2_000_000)])
    with pytest.raises(BackupError, match=r"无法写入.*空间"):
        backup.back_up(on_stick, small_disk / "box.tar.age")
    assert list(small_disk.iterdir()) == []
    with pytest.raises(BackupError, match="空间不足"):
        folder.make_ready(on_stick)
    backup.back_up(hospital, tmp_path / "box.tar.age")
    tiny = blank(hospital, small_disk / "data")
    with pytest.raises(BackupError, match="原数据未动"):
        backup.bring_back(tiny, tmp_path / "box.tar.age", own_key(hospital))
    assert [path.name for path in small_disk.iterdir()] == ["data"]


def test_a_stick_that_is_not_there_is_never_written_to(hospital, tmp_path):
    """Its empty mount point must not fill the box's own disk; the health page says what is wrong."""
    missing = msgspec.structs.replace(hospital.backup, mount=tmp_path / "disk")
    hospital = msgspec.structs.replace(hospital, backup=missing)
    database = Database(hospital.database_path)
    with pytest.raises(BackupError, match="未挂载"):
        services.run_scheduled(database, hospital)
    assert not hospital.backups_dir.exists()
    told = check.check(Context(hospital, database, Health("off", "")))
    assert told.status == "fault" and "未挂载" in told.message_zh and told.mend_zh
    elsewhere = msgspec.structs.replace(hospital, backup_dir=tmp_path / "elsewhere")
    with pytest.raises(BackupError, match=r"不在 backup\.mount"):
        folder.make_ready(elsewhere)


def test_the_timers_failure_is_heard(hospital, tmp_path, caplog):
    """Exit code and log here; the row makes the health page and the doctor say it too, and it is in the audit log."""
    hospital.backup.key_file.unlink()
    with pytest.raises(command.click.ClickException, match="备份失败"):
        command.back_up_by_clock(hospital)
    assert "scheduled backup failed" in caplog.text
    database = Database(hospital.database_path)
    audited = database.read(lambda db: row(db, "SELECT * FROM audit_rows WHERE action = 'backup.create'"))
    assert audited["address"] == "timer"
    told = check.check(Context(hospital, database, Health("off", "")))
    assert told.status == "fault" and "备份失败" in told.message_zh
    make_key(hospital.backup.key_file)
    assert "已恢复校验" in command.back_up_by_clock(hospital)
    assert check.check(Context(hospital, database, Health("off", ""))).status == "ok"


def test_the_newest_of_each_day_and_week_stay(hospital):
    """Two years of nightly backups, some days with two: 7 days and 5 weeks are left, and nothing else is touched."""
    hospital.backups_dir.mkdir()
    end = datetime(2026, 11, 25, 2, 30)
    for day in range(730):
        for hour in (0, 9):
            at = end - timedelta(days=day, hours=hour)
            (hospital.backups_dir / f"xiangyi-{at:%Y%m%d-%H%M%S}.tar.age").touch()
    (hospital.backups_dir / "holiday.jpg").touch()
    gone = folder.rotate(hospital, hospital.backups_dir / f"xiangyi-{end:%Y%m%d-%H%M%S}.tar.age")
    left = sorted(path.name for path in hospital.backups_dir.iterdir() if path.suffix == ".age")
    assert len(left) + len(gone) == 1460 and (hospital.backups_dir / "holiday.jpg").exists()
    assert left[-1] == "xiangyi-20261125-023000.tar.age"
    days = [f"xiangyi-202611{day}-" for day in range(19, 26)]
    assert all(any(name.startswith(start) for name in left) for start in days)
    assert 7 + 3 <= len(left) <= 7 + 5  # the newest weeks share their backup with a day


def test_a_clock_that_is_behind_costs_no_backup(hospital):
    """All others are dated later than the one that is made now: it stays, and so do they."""
    database = Database(hospital.database_path)
    hospital.backups_dir.mkdir()
    for day in range(20):
        at = datetime.now() + timedelta(days=365 + day)
        (hospital.backups_dir / f"xiangyi-{at:%Y%m%d-%H%M%S}.tar.age").touch()
    path = services.run_scheduled(database, hospital)
    assert path.exists() and len(list(hospital.backups_dir.iterdir())) == 21
    assert services.list_last(database, hospital)[0].state == "succeeded"


def test_a_date_ahead_does_not_end_rotation(hospital):
    hospital.backups_dir.mkdir()
    made = datetime(2026, 11, 25, 2, 30)
    for day in (-3650, *range(90)):
        (hospital.backups_dir / f"xiangyi-{made - timedelta(days=day):%Y%m%d-%H%M%S}.tar.age").touch()
    newest = hospital.backups_dir / f"xiangyi-{made:%Y%m%d-%H%M%S}.tar.age"
    assert len(folder.rotate(hospital, newest)) >= 90 - 7 - 5 and newest.exists()
    assert list(hospital.backups_dir.glob("xiangyi-2036*"))


def test_a_backup_dated_ahead_is_no_new_one(hospital):
    """A clock was a year ahead and has been set right: without this, nothing would be missed for a year."""
    database = Database(hospital.database_path)
    services.run_scheduled(database, hospital)
    made = services.last_success(database)
    assert made
    database.write(lambda db: db.execute("UPDATE backups SET started_at = ?", [utc_ago(timedelta(days=-365))]))
    assert services.last_success(database) is None
    services.run_scheduled(database, hospital)
    assert services.last_success(database) >= made


def test_a_newest_backup_that_is_gone_is_trouble(hospital):
    database = Database(hospital.database_path)
    services.run_scheduled(database, hospital)
    assert services.last_trouble(database, hospital) == ""
    database.write(lambda db: db.execute("UPDATE backups SET removed_at = ?", [utc_ago(timedelta())]))
    assert "已被清除" in services.last_trouble(database, hospital)


def test_rotated_ones_are_told_as_such(hospital):
    database = Database(hospital.database_path)
    path = services.run_scheduled(database, hospital)
    old = hospital.backups_dir / "xiangyi-20200101-000000.tar.age"
    path.rename(old)
    database.write(lambda db: db.execute("UPDATE backups SET path = ?", [str(old)]))
    once = msgspec.structs.replace(hospital, backup=msgspec.structs.replace(hospital.backup, daily=1, weekly=0))
    services.run_scheduled(database, once)
    assert [each.state for each in services.list_last(database, once)] == ["succeeded", "removed"]


def test_the_key_is_made_once_and_is_private(hospital, tmp_path):
    shutil.rmtree(tmp_path / "etc")
    first, second = command.key_sheet(hospital), command.key_sheet(hospital)
    assert first == second and "锁入保险柜" in first
    assert hospital.backup.key_file.stat().st_mode & 0o077 == 0
    with pytest.raises(command.click.ClickException, match="key_file"):
        command.key_sheet(msgspec.structs.replace(hospital, backup=BackupSettings()))


def test_a_power_cut_while_a_key_is_made_leaves_none_that_is_empty(tmp_path, monkeypatch):
    path = tmp_path / "etc" / "key"

    def cut(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cutting, pytest.raises(KeyboardInterrupt):
        cutting.setattr("appliance.encryption.os.fsync", cut)
        make_key(path)
    assert not path.exists()
    made = make_key(path)
    with pytest.raises(FileExistsError):
        make_key(path)
    assert str(read_key(path.read_text())) == str(made)
    assert [each.name for each in path.parent.iterdir()] == ["key"]


def test_the_settings_of_backups_have_names_in_file_and_environment(tmp_path):
    (tmp_path / "x.toml").write_text('backup_dir = "/srv/a"\n[backup]\nmount = "/srv"\ndaily = 3\n')
    environ = {"XIANGYI_CONFIG": str(tmp_path / "x.toml"), "XIANGYI_BACKUP_DIR": "/srv/b", "XIANGYI_BACKUP_WEEKLY": "2"}
    read = load_settings(environ)
    assert (read.backup_dir, read.backup.mount, read.backup.daily, read.backup.weekly) == (
        Path("/srv/b"),
        Path("/srv"),
        3,
        2,
    )
