"""Bring the model to this box when it is missing, and say how far that is."""

import logging
import os
import threading
from pathlib import Path

from llm.download import ensure_model, is_verified, model_path
from llm.errors import ArrivalError, ConsultationOff, Stopped
from llm.progress import Progress
from llm.registry import ModelSpec, find_model

FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 300.0
OFF = "本地问诊未启用：{0}。其他功能不受影响。"
_GGUF_MAGIC = b"GGUF"
_log = logging.getLogger(__name__)


def default_cache() -> Path:
    """The folder of this user that clones share."""
    return Path.home() / ".cache" / "xiangyi"


def arrive(model: str, cache: Path, install: bool, progress: Progress, stop: threading.Event) -> Path:
    """Path of a model that can be loaded. `install` False: take only what is here.

    Raises ArrivalError (its subclass ConsultationOff where there is to be no model), Stopped.
    """
    spec = find_model(model)
    _require_ram(spec, Path(model))
    if spec is None:
        return _given_file(Path(model))
    return ensure_model(spec, cache, progress, stop) if install else _present(spec, cache, stop)


def arrive_patiently(model: str, cache: Path, install: bool, progress: Progress, stop: threading.Event) -> Path:
    """As `arrive`, but tries again with growing pauses while that may help; the reason stays in `progress`."""
    pause = FIRST_WAIT_S
    while True:
        try:
            return arrive(model, cache, install, progress, stop)
        except ArrivalError as error:
            if not error.retry:
                raise
            _log.warning("arrival: %s %s", error.message_zh, error.__cause__ and getattr(error.__cause__, "output", ""))
            progress.report("failed", error.message_zh)
        if stop.wait(pause):
            raise Stopped
        pause = min(2 * pause, LONGEST_WAIT_S)


def _require_ram(spec: ModelSpec | None, path: Path) -> None:
    """A model that does not fit would drive the box into swap, and segmentation with it."""
    needed = spec.ram_bytes if spec else int(1.3 * _size(path)) + (400 << 20)
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if total < needed:
        raise ConsultationOff(OFF.format(f"内存不足（模型需要 {needed / 1e9:.1f} GB，本机共 {total / 1e9:.1f} GB)"))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _given_file(path: Path) -> Path:
    if not path.is_file():
        raise ArrivalError(f"找不到模型文件 {path}。请检查设置里的模型名称或路径，文件放好后会自动继续。")
    with path.open("rb") as file:
        if file.read(4) != _GGUF_MAGIC:
            raise ArrivalError(f"{path} 不是 GGUF 模型文件，或文件已损坏。请重新拷贝。")
    return path


def _present(spec: ModelSpec, cache: Path, stop: threading.Event) -> Path:
    path = model_path(spec, cache)
    if not path.is_file():
        raise ConsultationOff(OFF.format("模型文件不在本机，而设置不允许自动下载"))
    if not is_verified(path, spec.sha256, stop):
        raise ArrivalError(f"模型文件 {path} 已损坏（校验不一致）。请删除它后重新下载或拷贝。")
    return path
