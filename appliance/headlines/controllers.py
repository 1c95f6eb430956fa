"""Read the headlines that the box has."""

import anyio.to_thread
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from appliance.database import Database
from appliance.headlines import services
from appliance.headlines.schemas import HeadlinePage
from appliance.settings import Settings


class HeadlineController(Controller):
    path = "/headlines"
    tags = ("headlines",)

    @get()
    async def list_newest(
        self,
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
        before: FromQuery[str | None] = None,
    ) -> HeadlinePage:
        """Newest first; all from the box's own store, which a job fills."""
        return await anyio.to_thread.run_sync(services.page, database, settings, before)
