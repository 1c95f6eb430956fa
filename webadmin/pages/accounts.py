"""The own account: password, sessions, own data."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Request, Response, get
from litestar.di import NamedDependency

from appliance.auth import accounts, sessions
from appliance.auth.services import MAX_PASSWORD, MIN_PASSWORD, Account
from appliance.auth.sessions import OpenSession
from appliance.database import Database
from webadmin.rendering import Pages, View


@dataclass(frozen=True, kw_only=True)
class AccountView(View):
    """The form to change the password with its bounds, the open sessions, and whether deletion was asked for."""

    sessions: list[OpenSession]
    deletion_asked_at: str | None
    min_password: int = MIN_PASSWORD
    max_password: int = MAX_PASSWORD


@get("/account")
async def show_account(
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """Who is logged in, from where, and what one can do about it."""
    opened = await anyio.to_thread.run_sync(sessions.list_sessions, database, account, request.auth)
    person = await anyio.to_thread.run_sync(accounts.get_person, database, account.id)
    asked = person.deletion_asked_at
    view = AccountView(title="我的账号", section="account", sessions=opened, deletion_asked_at=asked)
    return pages.html("accounts/page.html", view, account)
