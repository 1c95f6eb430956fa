"""Turn a model's bytes into text as they come: whole characters only, and nothing past a stop string."""

import codecs
from collections.abc import Sequence


class TextStream:
    """Feed the bytes of each token; what comes back is safe to show. `stopped` tells that a stop string was met."""

    def __init__(self, stops: Sequence[str]):
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False

    def feed(self, piece: bytes) -> str:
        if self.stopped:
            return ""
        self._held += self._decoder.decode(piece)
        ends = [self._held.find(stop) for stop in self._stops if stop in self._held]
        if ends:
            self.stopped = True
            return self._release(len(self._held), keep=min(ends))
        return self._release(len(self._held) - self._possible_start())

    def finish(self) -> str:
        """What was held back, once no more tokens come."""
        if self.stopped:
            return ""
        self._held += self._decoder.decode(b"", final=True)
        return self._release(len(self._held))

    def _possible_start(self) -> int:
        """How many characters at the end may be the beginning of a stop string."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        sizes = range(min(longest, len(self._held)), 0, -1)
        return next((n for n in sizes if any(stop.startswith(self._held[-n:]) for stop in self._stops)), 0)

    def _release(self, size: int, keep: int | None = None) -> str:
        out, self._held = self._held[:size], self._held[size:]
        return out[:keep]
