"""Files by the hash of their content: written, fsynced, renamed, and the folder fsynced, before a row names them."""

import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from appliance.errors import OutOfSpace

CHUNK_BYTES = 1024 * 1024
# Left to the database, so that on a disk full of pictures an admin can still log in and delete some.
SPARE_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class StoredFile:
    """A file in the storage. The same content is stored once, however often it is written."""

    sha256: str
    size_bytes: int


class Storage:
    """A folder of files; `<root>/ab/abcdef…` holds the content whose SHA-256 is abcdef…"""

    def __init__(self, root: Path):
        self.root = root
        self._incoming = root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the content of that hash lies, if it does."""
        return self.root / sha256[:2] / sha256

    def write(self, chunks: Iterable[bytes]) -> StoredFile:
        """Store what the chunks hold; durable on return. Raises OutOfSpace, and then leaves nothing behind."""
        temporary = self._incoming / secrets.token_hex(12)
        digest, size = hashlib.sha256(), 0
        with disk_errors():
            try:
                with temporary.open("xb") as file:
                    for chunk in chunks:
                        if shutil.disk_usage(self.root).free < SPARE_BYTES + len(chunk):
                            raise OutOfSpace()
                        file.write(chunk)
                        digest.update(chunk)
                        size += len(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                self._keep(temporary, self.path(digest.hexdigest()))
            finally:
                temporary.unlink(missing_ok=True)
        return StoredFile(digest.hexdigest(), size)

    def noting(self) -> "Noting":
        """The same files, with a list of those written from now on."""
        return Noting(self.root)

    def put_aside(self, sha256: str, fresh_s: float) -> bool:
        """Take a file out of reach without losing it; one written within `fresh_s` stays. False when it stayed."""
        path, aside = self.path(sha256), self._aside(sha256)
        if path.exists():
            path.rename(aside)
        if not aside.exists():
            return False
        if time.time() - aside.stat().st_mtime < fresh_s:
            aside.rename(path)
            return False
        return True

    def bring_back(self, sha256: str) -> None:
        """What was put aside."""
        self._aside(sha256).rename(self.path(sha256))

    def remove_aside(self, sha256: str) -> None:
        """What was put aside, for good."""
        self._aside(sha256).unlink(missing_ok=True)

    def _aside(self, sha256: str) -> Path:
        return self.path(sha256).with_suffix(".purged")

    def forget_unfinished(self) -> None:
        """Remove what a power cut left half written. Only for a start, when nobody writes."""
        for path in self._incoming.iterdir():
            path.unlink(missing_ok=True)

    def _keep(self, temporary: Path, final: Path) -> None:
        if not final.parent.exists():
            final.parent.mkdir(exist_ok=True)
            _fsync_folder(self.root)
        temporary.rename(final)
        _fsync_folder(final.parent)


class Noting(Storage):
    """Notes what is written through it, for whoever must let go of it again."""

    def __init__(self, root: Path):
        super().__init__(root)
        self.written: list[str] = []

    def write(self, chunks: Iterable[bytes]) -> StoredFile:
        """Noted before it counts: a failure on the way leaves nothing else."""
        stored = super().write(chunks)
        self.written.append(stored.sha256)
        return stored


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """An open file, piece by piece."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raises OutOfSpace for a write that finds no room."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpace() from error
        raise
