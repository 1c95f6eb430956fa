"""What computes: segmenters in the worker, the consultant in the web. The only importer of model.inference and llm."""

from typing import TYPE_CHECKING

from appliance.errors import Conflict
from appliance.settings import FallbackSettings, Settings
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
from llm.knowledge import Passage
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
    "knowledge",
    "serve_language_model",
]


class Engines:
    """Opened once for each process, and each engine only when it is first needed."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._segmenters: dict[str, Segmenter] = {}
        base_url = f"http://{settings.llm.host}:{settings.llm.port}/v1"
        self.backend = OpenAIBackend(base_url, settings.llm.model)
        self.fallback = _fallback(settings.fallback)
        self.consultant = Consultant(self.backend, self.fallback)

    def segmenter(self, organ: str) -> "Segmenter":
        """The newest release of the organ on the compute that the settings ask for; opened and proven once.

        Raises Conflict when there is no release, ReleaseError, ComputeMissing.
        """
        # Imported here, for only processes that segment shall load OpenVINO's native code.
        from model.inference import Segmenter

        if organ not in self._segmenters:
            folder = release.newest(organ)
            if folder is None:
                raise Conflict(f"本机尚未安装“{TASKS[organ].name_zh}”的模型。", "release_missing")
            opened = release.load(folder)
            self._segmenters[organ] = Segmenter.open(opened, self._settings.compute, self._settings.threads)
        return self._segmenters[organ]

    def available_computes(self) -> list[str]:
        """The computes of this machine, best first."""
        from model.inference import available_computes

        return available_computes()

    async def llm_health(self) -> Health:
        """How the language model is; never raises."""
        return await self.backend.health()

    async def close(self) -> None:
        await self.backend.close()
        if self.fallback is not None:
            await self.fallback.close()


def _fallback(settings: FallbackSettings) -> OpenAIBackend | None:
    """The endpoint outside that an admin set up, if any."""
    if not settings.url:
        return None
    return OpenAIBackend(settings.url, settings.model, settings.key, settings.timeout_s)


def serve_language_model(settings: Settings) -> None:
    """Run llama.cpp's process until SIGTERM or SIGINT."""
    from llm.server import ServerSettings, serve

    llm = settings.llm
    serve(
        ServerSettings(
            host=llm.host,
            port=llm.port,
            cache=llm.cache,
            model=llm.model,
            threads=llm.threads,
            context=llm.context,
            install=llm.install,
        )
    )
