"""How llama-cpp-python gets into this interpreter: at hand, from the cache, or compiled once and kept in the cache."""

import hashlib
import importlib
import importlib.util
import platform
import shutil
import tempfile
import threading
from pathlib import Path

from llm.errors import ArrivalError
from llm.files import clear, locked, require_free
from llm.pip import NO_COMPILER, run_pip
from llm.progress import Progress

VERSION = "0.3.36"
# Not the build machine's own instructions: -march=native with GCC 12 miscompiles AMX tiles and dies on the first
# prompt. This is the AVX2 build, which also runs on every other box. LLaVA (pictures) is not needed.
CMAKE_ARGS = "-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF"
# Of llama-cpp-python's dependencies only this one does not come with the box.
WHEELS = (f"llama-cpp-python=={VERSION}", "diskcache==5.6.3")
BUILD_BYTES = 1 << 30
COMPILERS = ("c++", "g++", "clang++")


def ensure_runtime(cache: Path, progress: Progress, stop: threading.Event) -> None:
    """Make `import llama_cpp` work. Raises ArrivalError, Stopped."""
    if is_installed():
        return
    wheels = wheel_folder(cache)
    lock = wheels.with_name(f"{wheels.name}.lock")
    with locked(lock, stop, lambda: _report(progress, "另一个进程正在准备运行库，等待中")):
        if is_installed():
            return
        if not wheels.exists():
            _build(wheels, progress, stop)
        _report(progress, "正在安装本地模型运行库")
        _install(wheels, stop)
    importlib.invalidate_caches()


def is_installed() -> bool:
    """Whether this interpreter finds the bindings."""
    importlib.invalidate_caches()
    return importlib.util.find_spec("llama_cpp") is not None


def wheel_folder(cache: Path) -> Path:
    """Where this build's wheels are kept: version, flags and machine are in the name."""
    flags = hashlib.sha256(CMAKE_ARGS.encode()).hexdigest()[:8]
    return cache / "wheels" / f"llama-{VERSION}-{platform.system().lower()}-{platform.machine()}-{flags}"


def _build(wheels: Path, progress: Progress, stop: threading.Event) -> None:
    if not any(shutil.which(compiler) for compiler in COMPILERS):
        raise ArrivalError(NO_COMPILER)
    clear(wheels.parent, f"{wheels.name}-*")
    require_free(wheels.parent, BUILD_BYTES)
    _report(progress, "正在编译本地模型运行库，首次约需 4 到 10 分钟")
    with tempfile.TemporaryDirectory(dir=wheels.parent, prefix=f"{wheels.name}-") as folder:
        scratch = Path(folder)
        built = scratch / "wheels"
        arguments = ["wheel", "--no-deps", "--no-cache-dir", "--wheel-dir", str(built)]
        run_pip([*arguments, *WHEELS], scratch, stop, polite=10, CMAKE_ARGS=CMAKE_ARGS)
        built.replace(wheels)


def _install(wheels: Path, stop: threading.Event) -> None:
    files = [str(path) for path in sorted(wheels.glob("*.whl"))]
    with tempfile.TemporaryDirectory(dir=wheels.parent, prefix=f"{wheels.name}-") as folder:
        run_pip(["install", "--no-deps", "--no-index", *files], Path(folder), stop, polite=5)


def _report(progress: Progress, message: str) -> None:
    progress.report("runtime", message)
