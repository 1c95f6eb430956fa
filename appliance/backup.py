"""One archive of everything: the database by SQLite's backup API, the files by their hash. Verified both ways."""

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import sqlite3
import tarfile
import time
from pathlib import Path
from typing import IO

from appliance.clock import utc_now
from appliance.settings import Settings
from appliance.start import InUse, hold

MANIFEST, DATABASE, CONFIG = "manifest.json", "xiangyi.db", "xiangyi.toml"
_FILE = re.compile(r"files/([0-9a-f]{2})/(\1[0-9a-f]{62})")


class BackupError(Exception):
    """An archive that cannot be written or must not be restored, and why."""


def back_up(settings: Settings, target: Path) -> int:
    """Write and verify an archive while the box runs; returns the number of files in it. Raises BackupError.

    The database is copied first: a file is always there before the row that names it, so none can be missing.
    """
    if not settings.database_path.exists():
        raise BackupError(f"没有可备份的数据：{settings.database_path} 不存在。")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    copy = temporary.with_suffix(".db")
    try:
        _copy_database(settings.database_path, copy)
        with temporary.open("wb") as file:
            _write(settings, copy, file)
            file.flush()
            os.fsync(file.fileno())
        count = len(verify(temporary))
        temporary.rename(target)
    except sqlite3.OperationalError as error:
        raise BackupError(f"无法写入 {target}：{error}。请检查文件夹是否存在，以及磁盘空间与权限。") from error
    except OSError as error:
        raise BackupError(f"无法写入 {target}：{error.strerror}。请检查磁盘空间与权限。") from error
    finally:
        temporary.unlink(missing_ok=True)
        copy.unlink(missing_ok=True)
    return count


def verify(archive: Path) -> dict[str, str]:
    """Read every byte and compare; returns name → sha256. Raises BackupError for what is damaged or foreign."""
    hashes: dict[str, str] = {}
    manifest: dict | None = None
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or not _is_ours(member.name):
                    raise BackupError(f"{archive} 不是乡医的备份：其中有 {member.name}。")
                if member.name == MANIFEST:
                    manifest = json.load(content)
                else:
                    hashes[member.name] = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise BackupError(f"{archive} 已损坏，不能恢复：{error}") from error
    if manifest is None or manifest.get("files") != hashes:
        raise BackupError(f"{archive} 不完整或已损坏，不能恢复。")
    return hashes


def bring_back(settings: Settings, archive: Path) -> Path | None:
    """Replace the data folder by an archive's content, in one rename; returns where the old one was put.

    Raises BackupError when the box runs, or the archive is damaged; then nothing has changed.
    """
    verify(archive)
    try:
        with hold(settings, exclusive=True):
            return _replace(settings.data_dir, archive)
    except InUse as error:
        raise BackupError("乡医正在运行，请先停止（Ctrl-C 或 systemctl stop）再恢复。") from error
    except OSError as error:
        raise BackupError(f"恢复失败，原数据未动：{error.strerror}。") from error


def _replace(data: Path, archive: Path) -> Path | None:
    scratch = data.with_name(f".{data.name}.restore-{secrets.token_hex(4)}")
    kept = data.with_name(f"{data.name}-before-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        with tarfile.open(archive, "r:") as tar:
            tar.extractall(scratch, filter="data")
        _check_database(scratch / DATABASE)
        (scratch / MANIFEST).unlink()
        os.sync()
        data.rename(kept)
        scratch.rename(data)
        os.sync()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return kept if (kept / DATABASE).exists() else None


def _write(settings: Settings, database: Path, file: IO[bytes]) -> None:
    hashes: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w") as tar:

        def add(name: str, path: Path) -> None:
            with path.open("rb") as content:
                hashes[name] = hashlib.file_digest(content, "sha256").hexdigest()
            tar.add(path, name)

        add(DATABASE, database)
        if (settings.data_dir / CONFIG).exists():
            add(CONFIG, settings.data_dir / CONFIG)
        for path in sorted(settings.files_dir.glob("[0-9a-f][0-9a-f]/*")):
            add(f"files/{path.parent.name}/{path.name}", path)
        manifest = json.dumps({"createdAt": utc_now(), "files": hashes}).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(manifest)
        tar.addfile(info, io.BytesIO(manifest))


def _is_ours(name: str) -> bool:
    return name in (MANIFEST, DATABASE, CONFIG) or _FILE.fullmatch(name) is not None


def _copy_database(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as original, sqlite3.connect(target) as copy:
        original.backup(copy)
    copy.close()
    original.close()


def _check_database(path: Path) -> None:
    try:
        connection = sqlite3.connect(path)
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        connection.close()
    except sqlite3.DatabaseError as error:
        raise BackupError(f"备份中的数据库无法打开：{error}") from error
    if verdict != "ok":
        raise BackupError(f"备份中的数据库已损坏：{verdict}")
