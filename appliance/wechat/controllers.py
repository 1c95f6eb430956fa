"""Log in by WeChat; bind the own account to it."""

import anyio.to_thread
from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from appliance.auth.attempts import Attempts
from appliance.auth.controllers import address_of
from appliance.auth.guards import PUBLIC
from appliance.auth.schemas import SessionOut
from appliance.auth.services import Account
from appliance.database import Database
from appliance.overrides.services import current
from appliance.settings import Settings
from appliance.wechat import exchange, services
from appliance.wechat.schemas import BindingOut, Code

_ANYONE = "wechat"  # under which wrong codes of an address are counted: they name no account


@post("/sessions/wechat", opt=PUBLIC, request_max_body_size=4096, tags=["sessions"])
async def log_in_by_wechat(
    data: JSONBody[Code],
    request: Request,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    attempts: NamedDependency[Attempts],
) -> SessionOut:
    """Open a session for the account that this code's WeChat user is bound to; 409 `wechat_not_bound` without one."""
    address, user_agent = address_of(request), request.headers.get("user-agent", "")
    settings = await anyio.to_thread.run_sync(current, database, settings)
    with attempts.guess(_ANYONE, address):
        openid = await exchange.openid_of(settings.wechat, data.code)
    hours = settings.session_hours
    return SessionOut.of(await anyio.to_thread.run_sync(services.log_in, database, openid, hours, address, user_agent))


class BindingController(Controller):
    path = "/accounts/me/wechat"
    request_max_body_size = 4096
    tags = ("accounts",)

    @get()
    async def read(
        self,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> BindingOut:
        """Whether this account logs in by WeChat, and whether the box can do that at all."""
        wechat = (await anyio.to_thread.run_sync(current, database, settings)).wechat
        bound = await anyio.to_thread.run_sync(services.is_bound, database, account)
        return BindingOut(bool(wechat.appid and wechat.secret), bound)

    @put(status_code=204)
    async def bind(
        self,
        data: JSONBody[Code],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> None:
        """Bind this account to the code's WeChat user."""
        wechat = (await anyio.to_thread.run_sync(current, database, settings)).wechat
        openid = await exchange.openid_of(wechat, data.code)
        await anyio.to_thread.run_sync(services.bind, database, account, openid, address_of(request))

    @delete()
    async def unbind(
        self, request: Request, account: NamedDependency[Account], database: NamedDependency[Database]
    ) -> None:
        """Undo that."""
        await anyio.to_thread.run_sync(services.unbind, database, account, address_of(request))
