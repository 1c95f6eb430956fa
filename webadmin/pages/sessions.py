"""Log in and out with a form; works without JavaScript."""

from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from litestar.response import Redirect

from appliance.auth import services
from appliance.auth.attempts import Attempts
from appliance.auth.controllers import open_session
from appliance.auth.guards import COOKIE, PUBLIC
from appliance.auth.services import Session
from appliance.database import Database
from appliance.errors import NotAuthenticated, TooManyRequests, XiangyiError
from appliance.overrides.services import wizard_is_due
from appliance.settings import Settings
from webadmin.failures import LOGIN, local_path
from webadmin.rendering import Pages, View

FIRST_START = "/admin/start"


@dataclass(frozen=True, kw_only=True)
class LoginView(View):
    """The form as it was filled in; `error` is None at first. `next` is where it leads."""

    username: str = ""
    next: str = "/"
    error: str | None = None


class LoginForm(msgspec.Struct):
    username: str = ""
    password: str = ""
    next: str = "/"


@get(LOGIN, opt=PUBLIC, sync_to_thread=False)
def show_login(
    request: Request, pages: NamedDependency[Pages], wanted: Annotated[str | None, QueryParameter(name="next")] = None
) -> Response:
    """The form; whoever is logged in already is led on."""
    if request.user is not None:
        return Redirect(local_path(wanted), status_code=303)
    return pages.html("sessions/login.html", LoginView(title="登录", next=local_path(wanted)), None)


@post(LOGIN, opt=PUBLIC, status_code=200)
async def log_in(
    data: Annotated[LoginForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    request: Request,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    attempts: NamedDependency[Attempts],
    pages: NamedDependency[Pages],
) -> Response:
    """Lead on with the session's cookie, or show the form again with what was wrong."""
    try:
        session = await open_session(database, settings, attempts, data.username, data.password, request)
    except (NotAuthenticated, TooManyRequests) as error:
        return _refused(pages, data, error)
    first = await anyio.to_thread.run_sync(wizard_is_due, database, session.account)
    return _welcome(settings, session, FIRST_START if first else local_path(data.next))


@post("/logout", status_code=303)
async def log_out(request: Request, database: NamedDependency[Database]) -> Response:
    """End the session and forget its cookie."""
    await anyio.to_thread.run_sync(services.log_out, database, request.auth)
    response = Redirect(LOGIN, status_code=303)
    response.delete_cookie(COOKIE)
    return response


def _refused(pages: Pages, form: LoginForm, error: XiangyiError) -> Response:
    view = LoginView(title="登录", username=form.username, next=local_path(form.next), error=error.message)
    return pages.html("sessions/login.html", view, None, error.status)


def _welcome(settings: Settings, session: Session, wanted: str) -> Response:
    response = Redirect(wanted, status_code=303)
    response.set_cookie(
        COOKIE,
        session.token,
        max_age=settings.session_hours * 3600,
        httponly=True,
        samesite="strict",
        secure=settings.secure_cookies,
    )
    return response
