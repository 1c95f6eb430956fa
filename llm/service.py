"""What the HTTP handlers share: the progress, and the engine once there is one."""

from llm.engine import Engine
from llm.progress import Progress
from llm.protocol import ApiError

STATUS = {
    "runtime": "arriving",
    "model": "arriving",
    "load": "loading",
    "ready": "ready",
    "failed": "failed",
    "off": "off",
}


class Service:
    """`model` is the endpoint's name for the model; `also` are other names it answers to."""

    def __init__(self, model: str, also: tuple[str, ...], progress: Progress):
        self.model, self.progress = model, progress
        self.engine: Engine | None = None
        self._names = {model, *also, ""}

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
            "busy": self.engine is not None and self.engine.busy,
            "waiting": self.engine.waiting if self.engine else 0,
        }

    def ready_engine(self, model: str) -> Engine:
        """Raises ApiError 503 while there is no engine, 404 for another model than the one that is loaded."""
        if model not in self._names:
            raise ApiError(404, "model_not_found", f"The model '{model}' is not loaded; '{self.model}' is.", "model")
        if self.engine is None:
            now = self.progress.snapshot()
            status = STATUS[now.step]
            code = f"llm_{status}" if status in ("failed", "off") else "llm_arriving"
            raise ApiError(503, code, now.message_zh)
        return self.engine

    def close(self) -> None:
        if self.engine is not None:
            self.engine.close()
