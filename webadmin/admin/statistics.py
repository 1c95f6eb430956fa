"""How the box is used: charts that print, each with its table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

import anyio.to_thread
from litestar import Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery

from appliance.auth.services import Account
from appliance.database import Database
from appliance.errors import NotFound
from appliance.settings import Settings
from appliance.statistics import services
from appliance.statistics.controllers import Days, range_asked
from appliance.statistics.services import Series, StatisticsOut
from webadmin import wording
from webadmin.admin import charts
from webadmin.admin.counted import Counted
from webadmin.admin.overview import AdminView
from webadmin.rendering import Pages

RANGES = ((7, "近 7 天"), (30, "近 30 天"), (90, "近 90 天"), (365, "近一年"))
LATENCIES = {"p50": "中位数（秒）", "p95": "95 百分位（秒）"}


@dataclass(frozen=True)
class Chart:
    """A picture with its table; `series` as in the statistics, `names` of their keys."""

    key: str
    title: str
    series: list[Series]
    names: dict[str, str]
    draw: Callable[[list[str], list[Series], dict[str, str]], Response[bytes]] = charts.bars


@dataclass(frozen=True, kw_only=True)
class StatisticsView(AdminView):
    """`query` is the range as an address has it; `ranges` are (query, name, chosen); `counted` keeps it for charts."""

    part: str = "statistics"
    found: StatisticsOut
    charts: list[Chart]
    query: str
    counted: str
    ranges: list[tuple[str, str, bool]]
    organs: dict[str, str]
    sources: dict[str, str]
    levels: dict[str, str]
    statuses: dict[str, str]


def charts_of(found: StatisticsOut) -> list[Chart]:
    """The charts of the page, in their order."""
    latency = [Series(each.key, [v and round(v / 1000, 2) for v in each.values]) for each in found.latency]
    return [
        Chart("studies", "分割次数（按部位）", found.studies, wording.organs()),
        Chart("answers", "问诊回答（按来源）", found.answers, wording.SOURCES),
        Chart("active", "活跃用户数", found.active, {"active": "活跃用户"}),
        Chart("latency", "分割用时（从提交到完成）", latency, LATENCIES, charts.curves),
        Chart("unserved", "未通过质检与失败", found.unserved, wording.STATUSES),
    ]


@get("/statistics", dependencies={"days": Provide(range_asked)})
async def show_statistics(
    days: NamedDependency[Days],
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    pages: NamedDependency[Pages],
    counted: NamedDependency[Counted],
) -> Response[str]:
    """The statistics of a range of days."""
    found = await anyio.to_thread.run_sync(services.get, database, settings, *days)
    view = StatisticsView(
        title="数据统计",
        found=found,
        charts=charts_of(found),
        query=urlencode(days._asdict()),
        counted=counted.keep(found),
        ranges=_ranges(found),
        organs=wording.organs(),
        sources=wording.SOURCES,
        levels=wording.LEVELS,
        statuses=wording.STATUSES,
    )
    return pages.html("admin/statistics/page.html", view, account)


@get("/statistics/charts/{name:str}", dependencies={"days": Provide(range_asked)})
async def show_chart(
    name: FromPath[str],
    days: NamedDependency[Days],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    counted: NamedDependency[Counted],
    key: FromQuery[str] = "",
) -> Response[bytes]:
    """One chart as a picture, of what the page under that key has counted."""
    found = counted.get(key)
    if found is None:
        found = await anyio.to_thread.run_sync(services.get, database, settings, *days)
    for chart in charts_of(found):
        if chart.key == name:
            return await anyio.to_thread.run_sync(chart.draw, found.steps, chart.series, chart.names)
    raise NotFound()


def _ranges(found: StatisticsOut) -> list[tuple[str, str, bool]]:
    today = datetime.now().date()
    choices = []
    for days, name in RANGES:
        since = today - timedelta(days=days - 1)
        chosen = (found.since, found.until) == (since.isoformat(), today.isoformat())
        choices.append((urlencode({"since": since, "until": today}), name, chosen))
    return choices


def release_name(key: str) -> str:
    """ "retina/2.0.0" → 眼底血管 2.0.0."""
    organ, _, version = key.partition("/")
    return f"{wording.organ(organ)} {version}"


PAGES = [show_statistics, show_chart]
