"""What the HTTP handlers share: the progress, whose turn it is, and llama.cpp once it is up."""

from llm.llamacpp import LlamaCpp
from llm.progress import Progress
from llm.protocol import ApiError
from llm.turns import Turns

STATUS = {"model": "arriving", "load": "loading", "ready": "ready", "failed": "failed", "off": "off"}


class Service:
    """`model` is the endpoint's name for the model; `also` are other names it answers to."""

    def __init__(self, model: str, also: tuple[str, ...], progress: Progress, turns: Turns):
        self.model, self.progress, self.turns = model, progress, turns
        self.llama: LlamaCpp | None = None
        self.sha256 = ""
        self._names = {model, *also, ""}

    @property
    def served(self) -> str:
        """The model's name with the start of its file's hash: what an answer's record keeps."""
        return f"{self.model}@{self.sha256[:12]}"

    def health(self) -> dict:
        """The body of GET /health."""
        now = self.progress.snapshot()
        return {
            "status": STATUS[now.step],
            "step": now.step,
            "doneBytes": now.done_bytes,
            "totalBytes": now.total_bytes,
            "message": now.message_zh,
            "model": self.model,
            "busy": self.turns.running > 0,
            "waiting": self.turns.waiting,
        }

    def ready(self, model: str) -> LlamaCpp:
        """Raises ApiError 503 while llama.cpp is not up, 404 for another model than the one that is loaded."""
        if model not in self._names | {self.served}:
            raise ApiError(404, "model_not_found", f"The model '{model}' is not loaded; '{self.model}' is.", "model")
        if self.llama is None:
            now = self.progress.snapshot()
            status = STATUS[now.step]
            code = f"llm_{status}" if status in ("failed", "off") else "llm_arriving"
            raise ApiError(503, code, now.message_zh)
        return self.llama

    async def works(self) -> None:
        """Comes back while llama.cpp answers, or has not come up yet. Raises httpx.HTTPError."""
        if self.llama is not None:
            (await self.llama.http.get("/health", timeout=5.0)).raise_for_status()

    def close(self) -> None:
        if self.llama is not None:
            self.llama.close()
