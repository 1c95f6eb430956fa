"""Statistics over HTTP, for admins."""

from datetime import date, datetime, timedelta

import anyio.to_thread
from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from appliance.auth.controllers import address_of
from appliance.auth.guards import require_admin
from appliance.auth.services import Account
from appliance.database import Database
from appliance.errors import Invalid
from appliance.settings import Settings
from appliance.sheets import download
from appliance.statistics import services
from appliance.statistics.services import StatisticsOut

DEFAULT_DAYS = 30


def range_of(since: str, until: str) -> tuple[date, date]:
    """The days that were asked for; by default the last thirty. Raises Invalid."""
    try:
        end = date.fromisoformat(until) if until else datetime.now().date()
        return (date.fromisoformat(since) if since else end - timedelta(days=DEFAULT_DAYS - 1)), end
    except (ValueError, OverflowError) as error:
        raise Invalid("日期应形如 2026-11-25。", "date_invalid") from error


class StatisticsController(Controller):
    path = "/statistics"
    guards = (require_admin,)
    tags = ("statistics",)

    @get()
    async def read(
        self,
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
    ) -> StatisticsOut:
        """From the day `since` to the day `until`, both included."""
        start, end = range_of(since, until)
        return await anyio.to_thread.run_sync(services.get, database, settings, start, end)

    @get("/export")
    async def export(
        self,
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
    ) -> Response[bytes]:
        """The same as CSV."""
        start, end = range_of(since, until)
        address = address_of(request)
        content = await anyio.to_thread.run_sync(services.export, database, settings, account, start, end, address)
        return download(content, f"xiangyi-statistics-{start}-{end}.csv")
