"""What computes: segmenters in the worker, the consultant in the web. The only importer of model.inference and llm."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import Conflict, Unavailable
from appliance.notify import NotifyingServer, notifier
from appliance.settings import FallbackSettings, Settings, told_by_systemd
from llm import knowledge
from llm.backends import Health, OpenAIBackend
from llm.consultation import (
    DISCLAIMER,
    PASSAGE_DISCLAIMER,
    RULE_DISCLAIMER,
    Answered,
    Asked,
    Consultant,
    Delta,
    Queued,
    Sent,
    Triaged,
)
from llm.download import ensure_model, model_path
from llm.errors import ArrivalError
from llm.knowledge import Passage
from llm.progress import Progress, Step
from llm.registry import ModelSpec, load_models
from llm.tables import fill as fill_readme
from llm.triage import triage
from model import release
from model.tasks import TASKS

if TYPE_CHECKING:
    from model.inference import Segmentation, Segmenter

__all__ = [
    "DISCLAIMER",
    "PASSAGE_DISCLAIMER",
    "RULE_DISCLAIMER",
    "Answered",
    "Asked",
    "Delta",
    "Engines",
    "Health",
    "Passage",
    "Queued",
    "Segmentation",
    "Segmenter",
    "Sent",
    "Triaged",
    "fetch_model",
    "fill_readme",
    "knowledge",
    "model_files",
    "read_triage",
    "registry",
    "serve_language_model",
]


class Engines:
    """Opened once for each process, and each engine only when it is first needed."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._segmenters: dict[str, Segmenter] = {}
        base_url = f"http://{settings.llm.host}:{settings.llm.port}/v1"
        self.backend = OpenAIBackend(base_url)
        self._fallback_settings = settings.fallback
        self.fallback = _fallback(settings.fallback)
        self.consultant = Consultant(self.backend, self.fallback)

    @property
    def releases_dir(self) -> Path:
        """Where uploaded releases are unpacked."""
        return self._settings.releases_dir

    def segmenter(self, organ: str, folder: Path | None = None) -> "Segmenter":
        """The organ's segmenter from a release's folder, by default the newest that came with the box.

        It is opened and proven once, and kept until another folder is asked for. Raises Conflict when there is no
        release, ReleaseError, ComputeMissing.
        """
        folder = folder or release.newest(organ)
        if folder is None:
            raise Conflict(f"本机尚未安装“{TASKS[organ].name_zh}”的模型。", "release_missing")
        kept = self._segmenters.get(organ)
        if kept is None or kept.release.folder != folder:
            kept = self._segmenters[organ] = self.open_release(folder)
        return kept

    def open_release(self, folder: Path) -> "Segmenter":
        """A release on the compute that the settings ask for, proven on its golden sample; not kept."""
        # Imported here, for only processes that segment shall load OpenVINO's native code.
        from model.inference import Segmenter

        return Segmenter.open(release.load(folder), self._settings.compute, self._settings.threads)

    def available_computes(self) -> list[str]:
        """The computes of this machine, best first."""
        from model.inference import available_computes

        return available_computes()

    async def use_fallback(self, wanted: FallbackSettings) -> None:
        """Ask that endpoint outside from now on, when an admin has changed it."""
        if wanted == self._fallback_settings:
            return
        self._fallback_settings, before = wanted, self.fallback
        self.fallback = _fallback(wanted)
        self.consultant = Consultant(self.backend, self.fallback)
        if before is not None:
            await before.close()

    async def llm_health(self) -> Health:
        """How the language model is; never raises."""
        health = await self.backend.health()
        if health.state == "down" and not self._settings.llm.enabled:
            return Health("off", "本机没有启用问诊模型：问诊由分诊规则和资料原文回答。")
        return health

    async def close(self) -> None:
        await self.backend.close()
        if self.fallback is not None:
            await self.fallback.close()


def read_triage() -> None:
    """Begin, in the background, to read what triage knows: half a second and more, for which no patient shall wait."""
    threading.Thread(target=triage, args=["您好"], name="triage", daemon=True).start()


def _fallback(settings: FallbackSettings) -> OpenAIBackend | None:
    """The endpoint outside that an admin set up, if any."""
    if not settings.url:
        return None
    return OpenAIBackend(settings.url, settings.model, settings.key, settings.timeout_s)


def registry() -> dict[str, "ModelSpec"]:
    """The language models that the box knows by name."""
    return load_models()


def model_files(cache: Path) -> list[tuple["ModelSpec", Path]]:
    """Each known model and where its file lies once it was fetched."""
    return [(spec, model_path(spec, cache)) for spec in load_models().values()]


def fetch_model(name: str, cache: Path, report: Callable[[str], None]) -> Path:
    """Bring a known model here, verified; `report` hears how far it is. Raises Unavailable."""

    class Told(Progress):
        def report(self, step: Step, message_zh: str, done_bytes: int = 0, total_bytes: int = 0) -> None:
            percent = f" {100 * done_bytes // total_bytes}%" if total_bytes else ""
            report(message_zh + percent)

    try:
        return ensure_model(load_models()[name], cache, Told(), threading.Event())
    except ArrivalError as error:
        raise Unavailable(error.message_zh, "model_not_fetched") from error


def serve_language_model(settings: Settings, model: str) -> None:
    """Run llama.cpp's process with a model (a known name or a path) until SIGTERM or SIGINT."""
    from llm.server import ServerSettings, serve

    llm, notify = settings.llm, notifier(told_by_systemd())
    serve(
        ServerSettings(
            host=llm.host,
            port=llm.port,
            cache=llm.cache,
            model=model,
            threads=llm.threads,
            context=llm.context,
            install=llm.install,
        ),
        lambda config, works: NotifyingServer(config, works, notify),
    )
