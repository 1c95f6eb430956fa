"""Back up and restore: the database by SQLite's backup API, the files by their hash; proven by a real restore."""

import ctypes
import errno
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyrage.x25519 import Identity

from appliance import archive
from appliance.archive import DATABASE, BackupError
from appliance.encryption import opened, own_key, recipients, sealed
from appliance.settings import Settings
from appliance.start import LOCK, InUse, hold

__all__ = ["BackupError", "back_up", "bring_back", "prove"]

SCRATCH = "scratch"
SPARE_BYTES = 512 * 1024**2
_AT_FDCWD, _EXCHANGE = -100, 2


def back_up(settings: Settings, target: Path, plain: bool = False) -> int:
    """Write an archive while the box runs and prove it; returns the number of files in it. Raises BackupError.

    Encrypted when the settings name a key, unless `plain`. The database is copied first: a file is always there before
    the row that names it, so none can be missing. A broken-off one leaves nothing under the name.
    """
    if not settings.database_path.exists():
        raise BackupError(f"没有可备份的数据：{settings.database_path} 不存在。")
    to = [] if plain else recipients(settings)
    shutil.rmtree(settings.data_dir / SCRATCH, ignore_errors=True)  # what a power cut left
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with _scratch(settings) as scratch:
            _copy_database(settings.database_path, scratch / DATABASE)
            with temporary.open("wb") as file:
                if to:
                    with sealed(file, to) as stream:
                        count = archive.write(settings, scratch / DATABASE, stream)
                else:
                    count = archive.write(settings, scratch / DATABASE, file)
                file.flush()
                os.fsync(file.fileno())
        if not to or settings.backup.key_file:
            prove(settings, temporary)
        temporary.rename(target)
        _fsync_folder(target.parent)
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise BackupError(f"磁盘已满，备份没有完成：{settings.data_dir}。请清理磁盘。") from error
        raise BackupError(f"数据库读不出来：{error}。请执行 xiangyi doctor。") from error
    except OSError as error:
        raise BackupError(f"无法写入 {target}：{error.strerror}。请检查文件夹是否存在，以及磁盘空间与权限。") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count


def prove(settings: Settings, file: Path) -> None:
    """Restore an archive into a scratch folder and look at it. Raises BackupError for one that would not come back.

    Where the disk has no room for a second copy, only the database is brought back, and the files are compared by hash.
    """
    room = shutil.disk_usage(settings.data_dir).free > file.stat().st_size + SPARE_BYTES
    with _scratch(settings) as scratch, opened(file, own_key(settings)) as stream:
        archive.unpack(stream, scratch, files_too=room)
        _check_database(scratch / DATABASE)


def bring_back(settings: Settings, file: Path, key: Identity | None = None) -> Path | None:
    """Replace the data folder by an archive's content, in one rename; returns where the old one was put.

    Raises BackupError when the box runs, or the archive is damaged or of another key; then nothing has changed.
    """
    try:
        with hold(settings, exclusive=True):
            return _replace(settings.data_dir, file, key or own_key(settings))
    except InUse as error:
        raise BackupError("乡医正在运行，请先停止（Ctrl-C 或 systemctl stop）再恢复。") from error
    except OSError as error:
        raise BackupError(f"恢复失败，原数据未动：{error.strerror}。") from error


def _replace(data: Path, file: Path, key: Identity | None) -> Path | None:
    _tidy(data)
    scratch = data.with_name(f".{data.name}.restore-{secrets.token_hex(4)}")
    scratch.mkdir(mode=data.stat().st_mode & 0o777)
    try:
        with opened(file, key) as stream:
            archive.unpack(stream, scratch)
        _check_database(scratch / DATABASE)
        _own_as(scratch, data)
        os.sync()
        _exchange(data, scratch)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    kept = _keep(data, scratch)
    if (kept / "backups").is_dir():  # among them may be the one that was just read
        (kept / "backups").rename(data / "backups")
    os.sync()
    return kept if (kept / DATABASE).exists() else None


def _tidy(data: Path) -> None:
    """See to what a power cut left of an earlier restore: half an archive goes, the data that were replaced stay."""
    for left in data.parent.glob(f".{data.name}.restore-*"):
        if (left / LOCK).exists():
            _keep(data, left)
        else:
            shutil.rmtree(left, ignore_errors=True)


def _keep(data: Path, replaced: Path) -> Path:
    kept = data.with_name(f"{data.name}-before-{time.strftime('%Y%m%d-%H%M%S')}")
    while kept.exists():
        kept = kept.with_name(kept.name + "+")
    return replaced.rename(kept)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders swap names in one step: at no instant is there no data folder."""
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
    if done == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), str(one))
    aside = one.with_name(f"{one.name}.aside")  # a file system that cannot swap
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def _own_as(folder: Path, like: Path) -> None:
    """Give what root restored to whom the data belong."""
    owner = like.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


@contextmanager
def _scratch(settings: Settings) -> Iterator[Path]:
    """A folder for plain copies, on the disk that has them anyway."""
    folder = settings.data_dir / SCRATCH
    folder.mkdir(exist_ok=True, mode=0o700)
    made = folder / secrets.token_hex(4)
    made.mkdir()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _copy_database(source: Path, target: Path) -> None:
    original, copy = sqlite3.connect(source), sqlite3.connect(target)
    try:
        original.backup(copy)
    finally:
        copy.close()
        original.close()


def _check_database(path: Path) -> None:
    try:
        connection = sqlite3.connect(path)
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        connection.execute("SELECT count(*) FROM accounts").fetchone()  # an empty database is whole as well
        connection.close()
    except sqlite3.Error as error:
        raise BackupError(f"备份中的数据库无法打开：{error}") from error
    if verdict != "ok":
        raise BackupError(f"备份中的数据库已损坏：{verdict}")
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)


def _fsync_folder(folder: Path) -> None:
    with suppress(OSError):  # some sticks and shares cannot
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
