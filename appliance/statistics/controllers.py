"""Statistics over HTTP, for admins."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

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


class Days(NamedTuple):
    """From the first day to the last one, both included."""

    since: date
    until: date


async def range_asked(since: FromQuery[str] = "", until: FromQuery[str] = "") -> Days:
    """The days that were asked for; by default the last thirty; for the API and the pages. Raises Invalid."""
    try:
        end = date.fromisoformat(until) if until else datetime.now().date()
        return Days(date.fromisoformat(since) if since else end - timedelta(days=DEFAULT_DAYS - 1), end)
    except (ValueError, OverflowError) as error:
        raise Invalid("日期应形如 2026-11-25。", "date_invalid") from error


class StatisticsController(Controller):
    path = "/statistics"
    guards = (require_admin,)
    dependencies = {"days": range_asked}  # noqa: RUF012
    tags = ("statistics",)

    @get()
    async def read(
        self,
        days: NamedDependency[Days],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> StatisticsOut:
        """What happened on these days."""
        return await anyio.to_thread.run_sync(services.get, database, settings, *days)

    @get("/export")
    async def export(
        self,
        days: NamedDependency[Days],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> Response[bytes]:
        """The same as CSV."""
        address = address_of(request)
        content = await anyio.to_thread.run_sync(services.export, database, settings, account, *days, address)
        return download(content, f"xiangyi-statistics-{days.since}-{days.until}.csv")
