"""How far the arrival of the model is: written by one thread, read by any."""

import threading
from dataclasses import dataclass
from typing import Literal

Step = Literal["model", "load", "ready", "failed", "off"]


@dataclass(frozen=True)
class Snapshot:
    """One moment. `total_bytes` is 0 where the size of the work is not known."""

    step: Step = "model"
    done_bytes: int = 0
    total_bytes: int = 0
    message_zh: str = "正在准备本地问诊模型"


class Progress:
    """Holds the latest snapshot."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._snapshot = Snapshot()

    def report(self, step: Step, message_zh: str, done_bytes: int = 0, total_bytes: int = 0) -> None:
        with self._lock:
            self._snapshot = Snapshot(step, done_bytes, total_bytes, message_zh)

    def snapshot(self) -> Snapshot:
        with self._lock:
            return self._snapshot
