"""The state of the box: its self-checks with their mends, and the language model's arrival."""

from dataclasses import dataclass

from litestar import Response, get
from litestar.di import NamedDependency

from appliance.auth.services import Account
from appliance.checks import Check, run_checks
from appliance.database import Database
from appliance.engines import Engines
from appliance.settings import Settings
from webadmin.rendering import Pages, View

STATUSES = {"ok": "正常", "warning": "注意", "fault": "故障"}
STATES = {
    "ready": "已就绪，可以问诊",
    "arriving": "正在准备",
    "loading": "正在载入",
    "failed": "未能启动",
    "off": "未启用",
    "down": "没有响应",
}


@dataclass(frozen=True)
class Arrival:
    """How far the language model is. `percent` is None when the size of the work is not known."""

    state: str
    state_zh: str
    message: str
    percent: int | None

    @property
    def ready(self) -> bool:
        return self.state == "ready"


@dataclass(frozen=True, kw_only=True)
class HealthView(View):
    """The checks in reading order, and the arrival."""

    checks: list[Check]
    arrival: Arrival
    statuses: dict[str, str]

    @property
    def verdict(self) -> str:
        """The worst status of all."""
        return worst_of(self.checks)


def worst_of(checks: list[Check]) -> str:
    """The worst status of all checks."""
    found = {check.status for check in checks}
    return next(status for status in ("fault", "warning", "ok") if status in found or status == "ok")


async def arrival_of(engines: Engines) -> Arrival:
    """The language model's state; never raises."""
    health = await engines.llm_health()
    percent = min(100, 100 * health.done_bytes // health.total_bytes) if health.total_bytes else None
    return Arrival(health.state, STATES.get(health.state, health.state), health.message_zh, percent)


@get("/health")
async def show_health(
    account: NamedDependency[Account],
    settings: NamedDependency[Settings],
    database: NamedDependency[Database],
    engines: NamedDependency[Engines],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """All self-checks as they are now; the page refreshes them by itself."""
    checks = await run_checks(settings, database, engines, thorough=False)
    arrival = await arrival_of(engines)
    view = HealthView(title="系统状态", section="health", checks=checks, arrival=arrival, statuses=STATUSES)
    return pages.html("health/page.html", view, account)
