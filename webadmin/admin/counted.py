"""What a statistics page counted, kept for its charts: they draw what the page says, and nothing is counted again."""

import hashlib
from collections import OrderedDict

import msgspec

from appliance.statistics.services import StatisticsOut

MOST = 8  # pages that are being loaded at once; a chart that comes too late counts anew


class Counted:
    """The last few counts by a hash of what they say. Used from the event loop only."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, StatisticsOut] = OrderedDict()

    def keep(self, found: StatisticsOut) -> str:
        """Returns the key by which `get` finds it again."""
        key = hashlib.sha256(msgspec.json.encode(found)).hexdigest()[:16]
        self._kept[key] = found
        self._kept.move_to_end(key)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return key

    def get(self, key: str) -> StatisticsOut | None:
        """What was kept under that key, as long as no newer pages have displaced it."""
        return self._kept.get(key)
