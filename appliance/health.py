"""Liveness, readiness, metrics, and the state of the box for its pages."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import anyio.to_thread
import msgspec
import sqlite_utils
from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance.auth.guards import PUBLIC
from appliance.checks import Check, run_checks
from appliance.database import Database, rows
from appliance.engines import Engines
from appliance.errors import Unavailable
from appliance.settings import Settings
from appliance.worker import live_workers


class LlmOut(msgspec.Struct, rename="camel"):
    state: str
    message_zh: str
    done_bytes: int
    total_bytes: int
    model: str


class CheckOut(msgspec.Struct, rename="camel"):
    name: str
    title_zh: str
    status: str
    message_zh: str
    mend_zh: str

    @classmethod
    def of(cls, check: Check) -> "CheckOut":
        return cls(check.name, check.title_zh, check.status, check.message_zh, check.mend_zh)


class HealthOut(msgspec.Struct, rename="camel"):
    checks: list[CheckOut]
    llm: LlmOut


@get("/healthz", opt=PUBLIC, include_in_schema=False)
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@get("/readyz", opt=PUBLIC, include_in_schema=False)
async def readyz(database: NamedDependency[Database], engines: NamedDependency[Engines]) -> dict[str, Any]:
    """Ready to log in and to segment; the language model may still be arriving. Raises Unavailable."""
    workers = await anyio.to_thread.run_sync(live_workers, database)
    able = [worker for worker in workers if worker["computes"]]
    if not able:
        raise Unavailable(workers[0]["problem"] if workers else "分割服务尚未就绪。", "worker_missing")
    health = await engines.llm_health()
    return {"status": "ready", "segmentation": able[0]["computes"], "llm": health.state}


@get("/metrics", opt=PUBLIC, include_in_schema=False, media_type=MediaType.TEXT)
async def metrics() -> Response[bytes]:
    """Prometheus' text format."""
    content = await anyio.to_thread.run_sync(generate_latest, REGISTRY)
    return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")


@get("/api/v1/health", tags=["health"])
async def health_report(
    settings: NamedDependency[Settings], database: NamedDependency[Database], engines: NamedDependency[Engines]
) -> HealthOut:
    """All self-checks with their mends, and how far the language model is."""
    checks = await run_checks(settings, database, engines, thorough=False)
    llm = await engines.llm_health()
    return HealthOut(
        [CheckOut.of(check) for check in checks],
        LlmOut(llm.state, llm.message_zh, llm.done_bytes, llm.total_bytes, llm.model),
    )


class BoxCollector(Collector):
    """Counts read from the database at each scrape, so that they outlive restarts."""

    def __init__(self, database: Database):
        self._database = database

    def collect(self) -> Iterator[Metric]:
        states = self._database.read(lambda db: rows(db, "SELECT state, count(*) AS n FROM jobs GROUP BY state"))
        jobs = GaugeMetricFamily("xiangyi_jobs", "Jobs by state", labels=["state"])
        for state in states:
            jobs.add_metric([state["state"]], state["n"])
        yield jobs
        yield GaugeMetricFamily("xiangyi_workers", "Workers seen lately", value=len(live_workers(self._database)))
        for name in ("studies", "consultations", "accounts"):
            found = self._database.read(partial(_count, name))
            yield GaugeMetricFamily(f"xiangyi_{name}", f"Rows of {name}", value=found)


def _count(table: str, db: sqlite_utils.Database) -> int:
    return db.table(table).count
