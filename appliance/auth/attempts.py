"""Slow down guessing of passwords: after a few wrong ones, an address and name must wait."""

import time
from collections import defaultdict, deque

from appliance.errors import TooManyRequests

ALLOWED, WINDOW_S = 8, 300.0
MAX_KEYS = 10_000


class Attempts:
    """Failed log-ins of the last minutes, in memory: a restart forgives, which a guesser cannot bring about."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def check(self, username: str, address: str) -> None:
        """Raises TooManyRequests when this name failed too often from this address."""
        failures = self._failures.get(_key(username, address), deque())
        while failures and failures[0] < time.monotonic() - WINDOW_S:
            failures.popleft()
        if len(failures) >= ALLOWED:
            wait_s = round(failures[0] + WINDOW_S - time.monotonic())
            raise TooManyRequests(f"密码错误次数过多，请 {wait_s} 秒后再试。", "log_in_attempts", waitS=wait_s)

    def failed(self, username: str, address: str) -> None:
        if len(self._failures) > MAX_KEYS:
            self._failures.clear()
        self._failures[_key(username, address)].append(time.monotonic())

    def succeeded(self, username: str, address: str) -> None:
        self._failures.pop(_key(username, address), None)


def _key(username: str, address: str) -> tuple[str, str]:
    """No finer than accounts are told apart: blanks around a name, or its capitals, earn no new guesses."""
    return username.strip().casefold(), address
