"""Unpack a release's archive, which may be hostile: only plain files, in one flat folder, within bounds."""

import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from appliance.errors import Invalid
from model.release import MANIFEST

MAX_FILES = 40
MAX_BYTES = 1024**3
MAX_ARCHIVE_BYTES = 512 * 1024**2
_CHUNK_BYTES = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ReleaseRefused(Invalid):
    code, message = "release_refused", "这个模型版本不能使用。"


def unpack(archive: Path, target: Path) -> None:
    """Write the archive's files into the folder `target`, which must not exist yet. Raises ReleaseRefused."""
    target.mkdir(parents=True)
    seen: set[str] = set()
    written = 0
    with _told():
        for path, content in _members(archive):
            name = _flat(path)
            if name in seen or len(seen) >= MAX_FILES:
                raise ReleaseRefused(f"压缩包内文件重名，或多于 {MAX_FILES} 个。")
            seen.add(name)
            with (target / name).open("xb") as file:
                while chunk := content.read(_CHUNK_BYTES):
                    # Counted as it comes: what a header says of its size may be a lie.
                    written += len(chunk)
                    if written > MAX_BYTES:
                        raise ReleaseRefused(f"解压后超过 {MAX_BYTES // 2**20} MB。")
                    file.write(chunk)
    if MANIFEST not in seen:
        raise ReleaseRefused(f"压缩包里没有 {MANIFEST}，这不是一个模型版本。")


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """(path, content) of each file; a folder is passed over, anything else is refused."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                # The upper half of the attributes is Unix's mode: a link says so there.
                if (info.external_attr >> 16) & 0o170000 not in (0, 0o100000, 0o040000):
                    raise ReleaseRefused(f"压缩包内有链接或特殊文件：{info.filename[:80]}")
                if not info.is_dir():
                    with opened.open(info) as content:
                        yield info.filename, content
        return
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            inside = tar.extractfile(member) if member.isreg() else None
            if inside is not None:
                yield member.name, inside
            elif not member.isdir():
                raise ReleaseRefused(f"压缩包内有链接或特殊文件：{member.name[:80]}")


def _flat(path: str) -> str:
    """The file's name; it may lie in one folder at most, and nowhere that leads out."""
    parts = path.removeprefix("./").split("/")
    if len(parts) > 2 or not all(_NAME.fullmatch(part) for part in parts):
        raise ReleaseRefused(f"压缩包内的路径不合要求：{path[:80]}")
    return parts[-1]


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ReleaseRefused("压缩包已损坏、有密码，或不是 zip、tar.gz 格式。") from error
