"""Tell systemd how this process is (sd_notify): ready when it really is, and alive from the loop that does the work.

Without NOTIFY_SOCKET, as under `xiangyi up` or on a terminal, nothing is told.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import uvicorn

log = logging.getLogger(__name__)
PINGS_IN_A_WATCH = 3  # so many a watchdog's span: one that comes late is no alarm


class Notifier:
    """`address` is systemd's datagram socket, `watchdog_s` the span in which it wants to hear from us, 0 for never."""

    def __init__(self, address: str = "", watchdog_s: float = 0.0):
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.every_s = watchdog_s / PINGS_IN_A_WATCH
        self._pinged = 0.0

    def ready(self) -> None:
        """From now on whoever waits for this unit may use it."""
        self._pinged = time.monotonic()
        self._tell("READY=1")

    def is_due(self) -> bool:
        """Does systemd want to hear from us?"""
        return bool(self.every_s) and time.monotonic() - self._pinged >= self.every_s

    def alive(self) -> None:
        """Call it in each turn of the working loop: it tells no more often than it must."""
        if self.is_due():
            self._pinged = time.monotonic()
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """A stop that was asked for is on its way."""
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._tell(f"STATUS={text}")

    def _tell(self, words: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.sendto(words.encode(), self._address)
        except OSError:  # a manager that does not listen is no reason to stop serving
            return


def notifier(told: Mapping[str, str]) -> Notifier:
    """From the variables that systemd sets. A watchdog that is meant for another process is not ours to feed."""
    ours = told.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
    span = told.get("WATCHDOG_USEC", "")
    return Notifier(told.get("NOTIFY_SOCKET", ""), int(span) / 1e6 if span.isdigit() and ours else 0.0)


class NotifyingServer(uvicorn.Server):
    """uvicorn that says when it listens, and pings from its own loop as long as `works` comes back without an error.

    uvicorn's `callback_notify` counts by the date, so that a clock set back would look like a hang.
    """

    def __init__(self, config: uvicorn.Config, works: Callable[[], Awaitable[Any]], notify: Notifier):
        super().__init__(config)
        self._works, self._notify = works, notify

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._notify.ready()

    async def on_tick(self, counter: int) -> bool:
        if self._notify.is_due():
            try:
                async with asyncio.timeout(self._notify.every_s):
                    await self._works()
                self._notify.alive()
            except Exception as error:  # silence is what tells systemd
                log.warning("not alive: %r", error)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._notify.stopping()
        await super().shutdown(sockets)
