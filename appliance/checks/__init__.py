"""Self-checks, one per file: what is wrong with this box, and what mends it."""

from collections.abc import Callable

import anyio
import anyio.to_thread

from appliance.checks import backup, clock, database, disk, language_model, weights, worker
from appliance.checks.check import FAULT, OK, WARNING, Check, Context
from appliance.database import Database
from appliance.engines import Engines
from appliance.settings import Settings

__all__ = ["FAULT", "OK", "WARNING", "Check", "Context", "run_checks"]

CHECKS: tuple[Callable[[Context], Check], ...] = (
    disk.check,
    database.check,
    weights.check,
    worker.check,
    language_model.check,
    backup.check,
    clock.check,
)


async def run_checks(settings: Settings, opened: Database, engines: Engines, thorough: bool = True) -> list[Check]:
    """All checks, in the order in which a person should read them. None raises."""
    context = Context(settings, opened, await engines.llm_health(), thorough)
    return await anyio.to_thread.run_sync(lambda: [check(context) for check in CHECKS])
