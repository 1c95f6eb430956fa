"""Whose turn it is: so many at once, the others first come first served, and no more than may wait. One event loop."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from llm.errors import QueueFull


class Turn:
    """One question's place: 0 once it may be answered, 1 for the next one."""

    def __init__(self) -> None:
        self.place = -1
        self._moved = asyncio.Event()

    def move(self, place: int) -> None:
        if place != self.place:
            self.place = place
            self._moved.set()

    async def places(self) -> AsyncIterator[int]:
        """Each place that it still has to wait at; ends when it is its turn."""
        while self.place > 0:
            self._moved.clear()
            yield self.place
            await self._moved.wait()


class Turns:
    """`slots` are answered at once, `cap` may wait besides."""

    def __init__(self, slots: int, cap: int):
        self._slots, self._cap = slots, cap
        self._waiting: deque[Turn] = deque()
        self._running: set[Turn] = set()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> int:
        return len(self._running)

    def enter(self) -> Turn:
        """Queue up; whoever enters must `leave`. Raises QueueFull."""
        if self.running == self._slots and self.waiting >= self._cap:
            raise QueueFull
        turn = Turn()
        self._waiting.append(turn)
        self._advance()
        return turn

    def leave(self, turn: Turn) -> None:
        """Answered, or given up; once or more often."""
        self._running.discard(turn)
        if turn in self._waiting:
            self._waiting.remove(turn)
        self._advance()

    def _advance(self) -> None:
        while self._waiting and self.running < self._slots:
            first = self._waiting.popleft()
            self._running.add(first)
            first.move(0)
        for place, turn in enumerate(self._waiting, 1):
            turn.move(place)
