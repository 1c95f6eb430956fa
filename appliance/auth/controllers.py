"""Log in, log out, who am I, change the password."""

import anyio.to_thread
from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from appliance.auth import accounts, services, sessions
from appliance.auth.attempts import Attempts
from appliance.auth.guards import PUBLIC
from appliance.auth.schemas import AccountOut, ChangePassword, LogIn, OpenSessionOut, OpenSessions, SessionOut
from appliance.auth.services import Account, Session
from appliance.database import Database
from appliance.settings import Settings


async def open_session(
    database: Database, settings: Settings, attempts: Attempts, username: str, password: str, request: Request
) -> Session:
    """Log in for the API and the pages alike. Raises NotAuthenticated, TooManyRequests."""
    address, user_agent = address_of(request), request.headers.get("user-agent", "")
    with attempts.guess(username, address):
        session = await anyio.to_thread.run_sync(
            services.log_in, database, username, password, settings.session_hours, address, user_agent
        )
    attempts.forgive(username, address)
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
        session = await open_session(database, settings, attempts, data.username, data.password, request)
        return SessionOut.of(session)

    @delete("/current")
    async def log_out(self, request: Request, database: NamedDependency[Database]) -> None:
        """End this session."""
        await anyio.to_thread.run_sync(services.log_out, database, request.auth)

    @get()
    async def list_own(
        self, request: Request, account: NamedDependency[Account], database: NamedDependency[Database]
    ) -> OpenSessions:
        """The own open sessions, this one first."""
        found = await anyio.to_thread.run_sync(sessions.list_sessions, database, account, request.auth)
        return OpenSessions([OpenSessionOut.of(session) for session in found])

    @delete("/others")
    async def end_others(
        self, request: Request, account: NamedDependency[Account], database: NamedDependency[Database]
    ) -> None:
        """End all own sessions but this one."""
        token, address = request.auth, address_of(request)
        await anyio.to_thread.run_sync(sessions.end_other_sessions, database, account, token, address)

    @delete("/{session_id:str}")
    async def end_one(
        self,
        session_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> None:
        """End one of the own sessions."""
        await anyio.to_thread.run_sync(sessions.end_session, database, account, session_id, address_of(request))


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
        attempts: NamedDependency[Attempts],
    ) -> None:
        """Change the own password; other sessions of the account end."""
        with attempts.guess(account.username, address_of(request)):
            await anyio.to_thread.run_sync(
                services.change_password, database, account, data.old_password, data.new_password, request.auth
            )

    @put("/me/deletion", status_code=204)
    async def ask_for_deletion(
        self, request: Request, account: NamedDependency[Account], database: NamedDependency[Database]
    ) -> None:
        """Ask the hospital to delete the own data; an admin sees it and decides."""
        await anyio.to_thread.run_sync(accounts.ask_for_deletion, database, account, True, address_of(request))

    @delete("/me/deletion")
    async def withdraw_deletion(
        self, request: Request, account: NamedDependency[Account], database: NamedDependency[Database]
    ) -> None:
        """Take that back."""
        await anyio.to_thread.run_sync(accounts.ask_for_deletion, database, account, False, address_of(request))
