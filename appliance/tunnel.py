"""What the hospital's tunnel reaches: the mini program's own calls, and nothing else.

The tunnel has a port of its own. What comes in there is compared with EXPOSED before the application sees it, so
that admin pages and the admins' API answer 404 like paths that do not exist, and whoever comes through it has the
rights of a plain user: their own studies and consultations, even for a clinician or an admin.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from litestar.types import ASGIApp, Receive, Scope, Send

from appliance.errors import FRAMEWORK, error_body

# Method and path. {} stands for one id; whatever is not here is refused.
EXPOSED = (
    "GET /healthz",
    "POST /api/v1/sessions",
    "POST /api/v1/sessions/wechat",
    "DELETE /api/v1/sessions/current",
    "GET /api/v1/accounts/me",
    "POST /api/v1/accounts/me/password",
    "GET /api/v1/accounts/me/wechat",
    "PUT /api/v1/accounts/me/wechat",
    "DELETE /api/v1/accounts/me/wechat",
    "DELETE /api/v1/me/data",
    "GET /api/v1/studies",
    "POST /api/v1/studies",
    "GET /api/v1/studies/{}",
    "GET /api/v1/studies/{}/images/{}/{}",
    "GET /api/v1/consultations",
    "POST /api/v1/consultations",
    "GET /api/v1/consultations/{}",
    "PUT /api/v1/consultations/{}/rating",
    "GET /api/v1/headlines",
    "GET /api/v1/articles",
    "GET /api/v1/articles/{}",
    "GET /api/v1/articles/{}/comments",
    "POST /api/v1/articles/{}/comments",
    "GET /api/v1/announcements",
    "GET /api/v1/announcements/{}",
    "GET /api/v1/announcements/{}/comments",
    "POST /api/v1/announcements/{}/comments",
    "GET /api/v1/pictures/{}",
)
# What a clinician or an admin may not do as the plain user that they are out there: what staff uploaded is their
# patients' record.
NOT_FOR_STAFF = ("DELETE /api/v1/me/data",)
# Words of the API that stand where an id does: routes of their own, not open for that.
_RESERVED = "(?!(?:samples|export|others|me)(?:/|$))"
_PATTERNS = [re.compile(re.escape(line).replace(r"\{\}", _RESERVED + r"[A-Za-z0-9_-]{1,64}")) for line in EXPOSED]
_MARK = "xiangyi_tunnel"


def is_exposed(method: str, path: str) -> bool:
    """May this be asked for through the tunnel?"""
    return any(pattern.fullmatch(f"{method} {path}") for pattern in _PATTERNS)


def came_by_tunnel(scope: Mapping[str, Any]) -> bool:
    """Did this request come in at the tunnel's own port?"""
    return bool(scope.get(_MARK))


def not_for_staff(scope: Mapping[str, Any]) -> bool:
    """Is this refused to clinicians and admins who come through the tunnel?"""
    return f"{scope.get('method')} {scope.get('path')}" in NOT_FOR_STAFF


class TunnelFilter:
    """Around the whole application: at the tunnel's port nothing but EXPOSED gets in. Port 0 is no tunnel."""

    def __init__(self, app: ASGIApp, port: int):
        self._app, self._port = app, port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        facts = cast(dict[str, Any], scope)
        # The port of the socket that took the connection: no header can claim another.
        server = facts.get("server")
        if scope["type"] == "lifespan" or not self._port or not server or server[1] != self._port:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and is_exposed(facts["method"], facts["path"]):
            facts[_MARK] = True
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await _refuse(send)
        # Websockets: returning without an answer closes them; the API has none.


async def _refuse(send: Send) -> None:
    body = json.dumps(error_body(*FRAMEWORK[404], {}), ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 404, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
