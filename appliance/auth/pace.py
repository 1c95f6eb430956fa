"""How many requests an account may send: a bucket that fills again steadily, in memory."""

import time

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from appliance.errors import TooManyRequests
from appliance.tunnel import came_by_tunnel

MOST_BUCKETS = 10_000


class Pace:
    """`per_minute` requests at once, and then that many in each minute; 0 for no limit."""

    def __init__(self, per_minute: int):
        self._most = float(per_minute)
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Raises TooManyRequests when there is nothing left for this key."""
        if not self._most:
            return
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.clear()
        now = time.monotonic()
        left, at = self._buckets.get(key, (self._most, now))
        left = min(self._most, left + (now - at) * self._most / 60)
        if left < 1:
            raise TooManyRequests()
        self._buckets[key] = left - 1, now


def keep_pace(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """The guard of the API: counts by account, by address without one. Raises TooManyRequests."""
    address = connection.client.host if connection.client else ""
    state = connection.app.state
    pace: Pace = state.tunnel_pace if came_by_tunnel(connection.scope) else state.pace
    pace.take(connection.user.id if connection.user else address)
