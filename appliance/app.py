"""The web application, put together from what it is given: reads no environment, opens nothing."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.plugins.prometheus import PrometheusConfig
from prometheus_client import REGISTRY

from appliance import errors, health
from appliance.articles.admin_controllers import CommentController, PictureController, PublicationController
from appliance.articles.controllers import AnnouncementController, ArticleController
from appliance.auth.admin_controllers import PeopleController
from appliance.auth.attempts import Attempts
from appliance.auth.controllers import AccountController, SessionController
from appliance.auth.guards import SessionMiddleware, require_account
from appliance.auth.pace import Pace, keep_pace
from appliance.auth.services import Account
from appliance.backups.controllers import BackupController
from appliance.bodies import UnreadBodyMiddleware
from appliance.consultations.controllers import ConsultationController
from appliance.database import Database
from appliance.engines import Engines
from appliance.everyones import EveryonesConsultationController, EveryonesStudyController
from appliance.headlines.controllers import HeadlineController
from appliance.knowledge.controllers import DocumentController
from appliance.overrides.controllers import SettingController
from appliance.own_data import export_own_data
from appliance.releases.controllers import ComparisonController, ReleaseController
from appliance.settings import Settings
from appliance.statistics.controllers import StatisticsController
from appliance.storage import Storage
from appliance.studies.controllers import StudyController
from appliance.studies.correction_controllers import CorrectionController
from appliance.system.controllers import AuditController, JobController, LanguageModelController
from appliance.wechat.controllers import BindingController, log_in_by_wechat

BODY_OVERHEAD_BYTES = 1024 * 1024  # what a multipart body adds to its files
VERSION = "0.1.0"


def create_app(
    settings: Settings, database: Database, storage: Storage, engines: Engines, extra_routes: Sequence[Any] = ()
) -> Litestar:
    """The API, health routes, and `extra_routes` (the pages), over a migrated database."""
    attempts = Attempts()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        collector = health.BoxCollector(database)
        REGISTRY.register(collector)
        yield
        REGISTRY.unregister(collector)
        await engines.close()

    def given(value: Any) -> Provide:
        return Provide(lambda: value, sync_to_thread=False)

    nouns: list[Any] = [SessionController, AccountController, PeopleController, export_own_data]
    nouns += [StudyController, CorrectionController, ConsultationController, DocumentController, HeadlineController]
    nouns += [ArticleController, AnnouncementController, PublicationController, PictureController, CommentController]
    nouns += [ReleaseController, ComparisonController, StatisticsController, SettingController, BackupController]
    nouns += [JobController, AuditController, LanguageModelController]
    nouns += [EveryonesStudyController, EveryonesConsultationController]
    nouns += [BindingController, log_in_by_wechat]
    api = Router("/api/v1", route_handlers=nouns, guards=[keep_pace])
    paces = {
        "pace": Pace(settings.limits.requests_per_minute),
        "tunnel_pace": Pace(settings.tunnel.requests_per_minute),
    }
    probes = [health.healthz, health.readyz, health.metrics, health.health_report]
    return Litestar(
        route_handlers=[api, *probes, *extra_routes],
        state=State({"settings": settings, "database": database, **paces}),
        dependencies={
            "settings": given(settings),
            "database": given(database),
            "storage": given(storage),
            "engines": given(engines),
            "attempts": given(attempts),
            "account": Provide(_account, sync_to_thread=False),
        },
        guards=[require_account],
        middleware=[
            DefineMiddleware(UnreadBodyMiddleware),
            PrometheusConfig(app_name="xiangyi", prefix="xiangyi", group_path=True).middleware,
            DefineMiddleware(SessionMiddleware),
        ],
        exception_handlers={Exception: errors.respond},
        request_max_body_size=settings.limits.upload_bytes + BODY_OVERHEAD_BYTES,
        openapi_config=OpenAPIConfig("Xiangyi 乡医", VERSION, path="/schema", render_plugins=[JsonRenderPlugin()]),
        lifespan=[lifespan],
        logging_config=None,
    )


def _account(request: Request) -> Account:
    if request.user is None:
        raise errors.NotAuthenticated()
    return request.user
