"""One thread that owns the model, a fair queue before it, and the bridge from that thread to asyncio."""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator

from llm.errors import ContextOverflow, GenerationFailed, QueueFull
from llm.runner import Piece, Runner, Sampling

_log = logging.getLogger(__name__)


class Generation:
    """One answer under way. Iterate it in the event loop that submitted it; leaving the loop early stops the model."""

    def __init__(self, prompt: list[int], sampling: Sampling, loop: asyncio.AbstractEventLoop):
        self.prompt, self.sampling = prompt, sampling
        self.cancelled = threading.Event()
        self._loop = loop
        self._pieces: asyncio.Queue[Piece | GenerationFailed] = asyncio.Queue()

    def push(self, piece: Piece | GenerationFailed) -> None:
        """Called by the engine's thread. A loop that has closed meanwhile no longer waits for anything."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

    async def pieces(self) -> AsyncIterator[Piece]:
        """The answer; the last piece has a `finish`. Raises GenerationFailed."""
        try:
            while True:
                piece = await self._pieces.get()
                if isinstance(piece, GenerationFailed):
                    raise piece
                yield piece
                if piece.finish:
                    return
        finally:
            self.cancelled.set()


class Engine:
    """Answers one after the other, first come first served; `queue` is how many may wait besides the one answered."""

    def __init__(self, runner: Runner, queue: int):
        self._runner, self._cap = runner, queue
        self._waiting: deque[Generation] = deque()
        self._running: Generation | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="llama", daemon=True)
        self._thread.start()

    def submit(self, messages: list[dict[str, str]], sampling: Sampling, loop: asyncio.AbstractEventLoop) -> Generation:
        """Queue a question. Raises QueueFull, ContextOverflow, and ValueError for messages out of order."""
        prompt = self._runner.tokens(messages)
        wanted = 1 if sampling.max_tokens is None else sampling.max_tokens
        if len(prompt) + wanted > self._runner.context:
            raise ContextOverflow(self._runner.context, len(prompt), wanted)
        generation = Generation(prompt, sampling, loop)
        with self._changed:
            self._waiting = deque(one for one in self._waiting if not one.cancelled.is_set())
            if self._running is not None and len(self._waiting) >= self._cap:
                raise QueueFull
            self._waiting.append(generation)
            self._changed.notify()
        return generation

    @property
    def waiting(self) -> int:
        """Questions that wait for their turn."""
        with self._changed:
            return sum(not one.cancelled.is_set() for one in self._waiting)

    @property
    def busy(self) -> bool:
        """Whether an answer is being generated."""
        with self._changed:
            return self._running is not None

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop the answer under way, let the waiting ones fail, free the model."""
        with self._changed:
            self._closing = True
            for one in (*self._waiting, *([self._running] if self._running else [])):
                one.cancelled.set()
                one.push(GenerationFailed("the server is stopping"))
            self._changed.notify()
        self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._runner.close()

    def _work(self) -> None:
        while (generation := self._next()) is not None:
            self._answer(generation)

    def _next(self) -> Generation | None:
        with self._changed:
            self._running = None
            while not self._waiting and not self._closing:
                self._changed.wait()
            if self._closing:
                return None
            self._running = self._waiting.popleft()
            return self._running

    def _answer(self, generation: Generation) -> None:
        start = time.monotonic()
        first_s, last = None, Piece("", 0)
        try:
            for last in self._runner.generate(generation.prompt, generation.sampling, generation.cancelled):
                first_s = first_s or time.monotonic() - start
                generation.push(last)
        except Exception as error:
            _log.exception("generation failed")
            generation.push(GenerationFailed(str(error)))
        _log.info(
            "answer prompt_tokens=%d tokens=%d first_s=%.2f total_s=%.2f finish=%s",
            len(generation.prompt), last.tokens, first_s or 0, time.monotonic() - start, last.finish or "cancelled",
        )  # fmt: skip
