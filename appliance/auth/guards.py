"""Who may call a route: authentication for all but those marked public, and protection from forged requests."""

from dataclasses import replace
from urllib.parse import urlsplit

import anyio.to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from appliance.auth import services, sessions
from appliance.auth.services import Account
from appliance.database import Database
from appliance.errors import Forbidden, NotAuthenticated
from appliance.tunnel import came_by_tunnel, not_for_staff

COOKIE = "xiangyi_session"
PUBLIC = {"public": True}  # a route's `opt` that lets anyone in
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class SessionMiddleware(AbstractAuthenticationMiddleware):
    """Find the account behind a bearer token or the pages' cookie; it is None when there is none."""

    async def authenticate_request(self, connection: ASGIConnection) -> AuthenticationResult:
        token = bearer_token(connection) or connection.cookies.get(COOKIE)
        if not token:
            return AuthenticationResult(user=None, auth=None)
        address = connection.client.host if connection.client else ""
        account = await anyio.to_thread.run_sync(_account_of, connection.app.state.database, token, address)
        if account and came_by_tunnel(connection.scope):
            account = replace(account, role="user", staff_outside=account.role != "user")
        return AuthenticationResult(user=account, auth=token if account else None)


def _account_of(database: Database, token: str, address: str) -> Account | None:
    found = services.find_session(database, token)
    if found is None:
        return None
    account, seen_at = found
    sessions.note_seen(database, account, token, seen_at, address)
    return account


def bearer_token(connection: ASGIConnection) -> str | None:
    """The token of an `Authorization: Bearer` header."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def require_account(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """The guard of every route. Raises NotAuthenticated, or Forbidden for a request that another site forged."""
    if connection.scope.get("method") not in SAFE_METHODS and not bearer_token(connection) and _is_forged(connection):
        raise Forbidden("请求来自其他网站，已拒绝。", "cross_site_request")
    if connection.user is None and not handler.opt.get("public"):
        raise NotAuthenticated()
    if connection.user is not None and connection.user.staff_outside and not_for_staff(connection.scope):
        raise Forbidden("工作账号请在医院的电脑上进行此操作。", "staff_inside_only")


def require_admin(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """The guard of what only admins may do, after `require_account`. Raises Forbidden."""
    if connection.user is None or connection.user.role != "admin":
        raise Forbidden("只有管理员可以进行此操作。", "admin_only")


def _is_forged(connection: ASGIConnection) -> bool:
    """A browser says where a request comes from; a cookie must not serve a page of another origin."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = connection.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != connection.headers.get("host")
