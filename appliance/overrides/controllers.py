"""The settings that can be changed at run time, for admins."""

from typing import Any

import anyio.to_thread
import msgspec
from litestar import Controller, Request, get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody

from appliance.auth.controllers import address_of
from appliance.auth.guards import require_admin
from appliance.auth.services import Account
from appliance.database import Database
from appliance.overrides import services
from appliance.settings import Settings


class SettingOut(msgspec.Struct, rename="camel"):
    """`changed`: it differs from file and environment. A secret's value is never told."""

    name: str
    title_zh: str
    hint_zh: str
    kind: str
    value: str | int | float | bool | None
    changed: bool


def settings_out(database: Database, settings: Settings) -> list[SettingOut]:
    """All that can be changed, as it is now."""
    now, changed = services.current(database, settings), services.changed(database)
    return [
        SettingOut(
            each.name,
            each.title_zh,
            each.hint_zh,
            each.kind,
            "" if each.kind == "secret" else services.value_of(now, each.name),
            each.name in changed,
        )
        for each in services.ADJUSTABLE
    ]


class SettingController(Controller):
    path = "/settings"
    guards = (require_admin,)
    request_max_body_size = 64 * 1024
    tags = ("system",)

    @get()
    async def list_all(
        self, database: NamedDependency[Database], settings: NamedDependency[Settings]
    ) -> list[SettingOut]:
        """What can be changed, and its value now."""
        return await anyio.to_thread.run_sync(settings_out, database, settings)

    @patch()
    async def change(
        self,
        data: JSONBody[dict[str, Any]],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> list[SettingOut]:
        """Change some by their names, all or none; null goes back to file and environment."""
        address = address_of(request)
        await anyio.to_thread.run_sync(services.change, database, settings, account, data, address)
        return await anyio.to_thread.run_sync(settings_out, database, settings)
