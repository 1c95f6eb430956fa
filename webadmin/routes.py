"""All routes of the pages, put together for appliance.web."""

from pathlib import Path
from typing import Any

from litestar import Router
from litestar.di import Provide

from appliance.auth.guards import require_admin
from appliance.database import Database
from appliance.overrides.services import current
from appliance.settings import Settings
from webadmin.admin import (
    comments,
    documents,
    first_start,
    overview,
    publications,
    releases,
    statistics,
    system,
    users,
)
from webadmin.admin import consultations as admin_consultations
from webadmin.admin import studies as admin_studies
from webadmin.admin.counted import Counted
from webadmin.assets import Assets, assets_route
from webadmin.failures import Failures
from webadmin.pages import accounts, consultations, headlines, health, home, reading, sessions, studies, unknown
from webadmin.rendering import Pages

HERE = Path(__file__).parent
ADMIN_PAGES = [
    overview.show_overview,
    *statistics.PAGES,
    *admin_studies.PAGES,
    *admin_consultations.PAGES,
    *releases.PAGES,
    *documents.PAGES,
    *system.PAGES,
    *first_start.PAGES,
    publications.list_publications,
    publications.new_publication,
    publications.edit_publication,
    comments.list_comments,
    users.list_users,
    users.new_user,
    users.import_users,
    users.edit_user,
]
FORM_BYTES = 64 * 1024  # no page takes files: those go to the API


def routes(settings: Settings, database: Database) -> list[Any]:
    """The pages and their static files, as route handlers of the application."""
    assets = Assets(HERE / "static")
    pages = Pages(HERE / "templates", assets, lambda: current(database, settings))
    counted = Counted()
    router = Router(
        "/",
        route_handlers=[
            home.show_home,
            sessions.show_login,
            sessions.log_in,
            sessions.log_out,
            studies.list_studies,
            studies.show_study,
            consultations.list_consultations,
            consultations.show_consultation,
            headlines.list_headlines,
            health.show_health,
            accounts.show_account,
            *reading.PAGES,
            unknown.show_unknown,
            Router("/admin", guards=[require_admin], route_handlers=ADMIN_PAGES),
        ],
        dependencies={
            "pages": Provide(lambda: pages, sync_to_thread=False),
            "counted": Provide(lambda: counted, sync_to_thread=False),
        },
        exception_handlers={Exception: Failures(pages).respond},
        include_in_schema=False,
        request_max_body_size=FORM_BYTES,
    )
    return [router, assets_route(assets)]
