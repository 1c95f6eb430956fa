"""Which language model the box runs: those that the registry knows, and files brought on a USB stick.

What was chosen is one line in the data folder; the language model's process restarts itself when it changes.
"""

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance import audit
from appliance.auth.services import Account
from appliance.database import Database
from appliance.engines import fetch_model, model_files, registry
from appliance.errors import Invalid, NotFound
from appliance.settings import Settings

_GGUF = b"GGUF"


@dataclass(frozen=True)
class LanguageModel:
    """`name` is what `use` takes; `path` is None while it has not been fetched. Sizes in bytes, memory included."""

    name: str
    title: str
    licence: str
    languages: tuple[str, ...]
    size_bytes: int
    ram_bytes: int | None
    path: Path | None
    chosen: bool


def chosen(settings: Settings) -> str:
    """A name in the registry, or the path of a file."""
    note = _note(settings)
    return note.read_text("utf-8").strip() if note.exists() else settings.llm.model


def list_models(settings: Settings) -> list[LanguageModel]:
    """The registry's models, then the files that were brought."""
    now = chosen(settings)
    known = [
        LanguageModel(
            spec.name, spec.title, spec.licence, spec.languages, spec.size_bytes, spec.ram_bytes,
            path if path.exists() else None, spec.name == now,
        )
        for spec, path in model_files(settings.llm.cache)
    ]  # fmt: skip
    brought = [
        LanguageModel(path.stem, path.name, "", (), path.stat().st_size, None, path, str(path) == now)
        for path in sorted(_own(settings).glob("*.gguf"))
    ]
    return known + brought


def install(settings: Settings, what: str, report: Callable[[str], None]) -> LanguageModel:
    """Fetch a model of the registry, or copy a GGUF file to where the box keeps its own. Raises Invalid, NotFound."""
    if what in registry():
        fetch_model(what, settings.llm.cache, report)
        return find(settings, what)
    source = Path(what)
    if not source.is_file():
        raise NotFound(f"没有叫 {what} 的模型，也没有这个文件。xiangyi llm list 列出已知的模型。", "model_unknown")
    with source.open("rb") as file:
        if file.read(4) != _GGUF:
            raise Invalid(f"{source.name} 不是 GGUF 模型文件，或文件已损坏。", "model_no_gguf")
    target = _own(settings) / f"{source.stem}.gguf"
    target.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(target.parent).free < source.stat().st_size + (200 << 20):
        raise Invalid("磁盘空间不足，模型没有复制。", "disk_full")
    report(f"正在复制 {source.name}")
    copying = target.with_suffix(".copying")
    shutil.copyfile(source, copying)
    with copying.open("rb") as file:
        os.fsync(file.fileno())
    copying.replace(target)
    return find(settings, target.stem)


def use(settings: Settings, name: str) -> LanguageModel:
    """Choose an installed model; the running process takes it by itself. Raises NotFound, Invalid."""
    model = find(settings, name)
    if model.path is None:
        raise Invalid(f"{name} 还没有安装，请先执行 xiangyi llm install {name} 。", "model_missing")
    note = _note(settings)
    note.parent.mkdir(parents=True, exist_ok=True)
    fresh = note.with_suffix(".new")
    fresh.write_text(name if name in registry() else str(model.path), "utf-8")
    fresh.replace(note)
    return find(settings, name)


def use_audited(database: Database, settings: Settings, account: Account, name: str, address: str) -> LanguageModel:
    """`use` from the pages, with the audit row that it leaves."""
    model = use(settings, name)
    database.write(lambda db: audit.record(db, account.id, "language_model.use", name, address))
    return model


def find(settings: Settings, name: str) -> LanguageModel:
    """By name. Raises NotFound."""
    for model in list_models(settings):
        if model.name == name:
            return model
    raise NotFound(f"没有叫 {name} 的模型。xiangyi llm list 列出已知的模型。", "model_unknown")


def when_changed(settings: Settings, act: Callable[[], None], every_s: float = 1.0) -> None:
    """Call `act` once, in a thread of its own, when another model is chosen."""
    before = chosen(settings)

    def watch() -> None:
        while chosen(settings) == before:
            threading.Event().wait(every_s)
        act()

    threading.Thread(target=watch, name="chosen-model", daemon=True).start()


def _note(settings: Settings) -> Path:
    return settings.data_dir / "language-model"


def _own(settings: Settings) -> Path:
    return settings.llm.cache / "models" / "own"
