"""Slow down guessing of passwords: after a few wrong ones, an address and name must wait."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from appliance.errors import TooManyRequests, XiangyiError

ALLOWED, WINDOW_S = 8, 300.0
MAX_KEYS = 10_000
_WRONG = ("credentials_wrong", "wechat_code_invalid")


class Attempts:
    """Wrong guesses of the last minutes, in memory: a restart forgives, which a guesser cannot bring about."""

    def __init__(self) -> None:
        self._guesses: dict[tuple[str, str], list[float]] = {}
        self._lock = Lock()

    @contextmanager
    def guess(self, username: str, address: str) -> Iterator[None]:
        """Around the check of a password or code, and nothing that passes without one. It counts as wrong from its
        start, for many may be sent at once. Raises TooManyRequests when this name was wrong too often from this
        address."""
        key, now = _key(username, address), time.monotonic()
        self._count(key, now)
        try:
            yield
        except Exception as error:
            if not (isinstance(error, XiangyiError) and error.code in _WRONG):
                self._give_back(key, now)  # what failed before or after the check was no guess
            raise
        self._give_back(key, now)

    def forgive(self, username: str, address: str) -> None:
        """Forget the wrong guesses of whoever has logged in since."""
        with self._lock:
            self._guesses.pop(_key(username, address), None)

    def _count(self, key: tuple[str, str], now: float) -> None:
        with self._lock:
            if len(self._guesses) > MAX_KEYS:
                self._guesses.clear()
            guesses = [each for each in self._guesses.get(key, []) if each >= now - WINDOW_S]
            if len(guesses) >= ALLOWED:
                wait_s = round(guesses[0] + WINDOW_S - now)
                raise TooManyRequests(f"密码错误次数过多，请 {wait_s} 秒后再试。", "log_in_attempts", waitS=wait_s)
            self._guesses[key] = [*guesses, now]

    def _give_back(self, key: tuple[str, str], at: float) -> None:
        with self._lock:
            if at in self._guesses.get(key, []):
                self._guesses[key].remove(at)


def _key(username: str, address: str) -> tuple[str, str]:
    """No finer than accounts are told apart: blanks around a name, or its capitals, earn no new guesses."""
    return username.strip().casefold(), address
