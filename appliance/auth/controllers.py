"""Log in, log out, who am I, change the password."""

import anyio.to_thread
from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from appliance.auth import services
from appliance.auth.attempts import Attempts
from appliance.auth.guards import PUBLIC
from appliance.auth.schemas import AccountOut, ChangePassword, LogIn, SessionOut
from appliance.auth.services import Account, Session
from appliance.database import Database
from appliance.errors import NotAuthenticated
from appliance.settings import Settings


async def open_session(
    database: Database, settings: Settings, attempts: Attempts, username: str, password: str, address: str
) -> Session:
    """Log in for the API and the pages alike. Raises NotAuthenticated, TooManyRequests."""
    attempts.check(username, address)
    try:
        session = await anyio.to_thread.run_sync(
            services.log_in, database, username, password, settings.session_hours, address
        )
    except NotAuthenticated:
        attempts.failed(username, address)
        raise
    attempts.succeeded(username, address)
    return session


def address_of(request: Request) -> str:
    """The client's address, for the audit log."""
    return request.client.host if request.client else ""


class SessionController(Controller):
    path = "/sessions"
    request_max_body_size = 256 * 1024
    tags = ("sessions",)

    @post(opt=PUBLIC)
    async def log_in(
        self,
        data: JSONBody[LogIn],
        request: Request,
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
        attempts: NamedDependency[Attempts],
    ) -> SessionOut:
        """Open a session; send its token as `Authorization: Bearer …`."""
        session = await open_session(database, settings, attempts, data.username, data.password, address_of(request))
        return SessionOut.of(session)

    @delete("/current")
    async def log_out(self, request: Request, database: NamedDependency[Database]) -> None:
        """End this session."""
        await anyio.to_thread.run_sync(services.log_out, database, request.auth)


class AccountController(Controller):
    path = "/accounts"
    request_max_body_size = 256 * 1024
    tags = ("accounts",)

    @get("/me")
    async def me(self, account: NamedDependency[Account]) -> AccountOut:
        """The account of this session."""
        return AccountOut.of(account)

    @post("/me/password", status_code=204)
    async def change_password(
        self,
        data: JSONBody[ChangePassword],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> None:
        """Change the own password; other sessions of the account end."""
        await anyio.to_thread.run_sync(
            services.change_password, database, account, data.old_password, data.new_password, request.auth
        )
