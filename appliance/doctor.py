"""`xiangyi doctor`: the self-checks from the command line, also while the box is not running."""

from appliance.checks import Check, run_checks
from appliance.engines import Engines
from appliance.settings import Settings
from appliance.start import open_database


async def examine(settings: Settings) -> list[Check]:
    """All checks on this machine's data folder."""
    engines = Engines(settings)
    try:
        return await run_checks(settings, open_database(settings), engines)
    finally:
        await engines.close()
