"""Time: UTC for people, and a clock for leases that no wrong or corrected date can move."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def utc_now() -> str:
    """Now as ISO 8601 with milliseconds, such as 2026-11-24T01:24:53.120Z; sorts as text."""
    return utc_text(datetime.now(UTC))


def utc_ago(span: timedelta) -> str:
    """The moment so long before now, as text."""
    return utc_text(datetime.now(UTC) - span)


def utc_text(moment: datetime) -> str:
    """A moment in the form in which the database keeps it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def boot_seconds() -> float:
    """Seconds since the machine booted, suspended time included. Compare only under the same `boot_id`."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Names this boot of the machine."""
    return _BOOT_ID.read_text().strip()
