"""Files that several processes may want at once and a power cut may interrupt: locks, hashes, atomic writes."""

import fcntl
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from llm.errors import ArrivalError, Stopped

CHUNK_BYTES = 4 << 20
MARGIN_BYTES = 200 << 20


@contextmanager
def locked(path: Path, stop: threading.Event, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the file lock at `path`, which the kernel frees if we die. Raises Stopped once `stop` is set."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        while not _try_lock(file.fileno()):
            waiting()
            if stop.wait(0.5):
                raise Stopped
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def clear(folder: Path, pattern: str) -> None:
    """Remove the scratch folders that a killed process left. Call it under the lock that they belong to."""
    for stale in folder.glob(pattern):
        shutil.rmtree(stale, ignore_errors=True)


def require_free(folder: Path, size_bytes: int) -> None:
    """Raise ArrivalError unless `folder` has room for `size_bytes` and a margin."""
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = size_bytes + MARGIN_BYTES, shutil.disk_usage(folder).free
    if free < needed:
        raise ArrivalError(
            f"磁盘空间不足：{folder} 还需要 {needed / 1e9:.1f} GB，只剩 {free / 1e9:.1f} GB。"
            "请清理磁盘，腾出空间后会自动继续。"
        )


def sha256_of(path: Path, stop: threading.Event) -> str:
    """Hex digest. Raises Stopped when `stop` is set meanwhile."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if stop.is_set():
                raise Stopped
            digest.update(chunk)
    return digest.hexdigest()


def sync(descriptor: int, folder: Path) -> None:
    """Flush a file and the folder that names it to the disk."""
    os.fsync(descriptor)
    entry = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


def write_json(path: Path, value: dict) -> None:
    """Write to a temporary name, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> dict:
    """The object at `path`; empty when it is missing or damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
