"""An error on a page: to the log-in when that is what is missing, else told in the same words as the API's."""

from dataclasses import dataclass
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.response import Redirect

from appliance import errors
from webadmin.rendering import Pages, View

LOGIN = "/login"


@dataclass(frozen=True, kw_only=True)
class FailureView(View):
    """What went wrong; `status` is HTTP's."""

    status: int
    message: str


class Failures:
    """The exception handler of the pages."""

    def __init__(self, pages: Pages):
        self._pages = pages

    def respond(self, request: Request, error: Exception) -> Response:
        """A page for a browser, the API's error body for a program."""
        known = errors.translate(error)
        if not wants_html(request):
            return errors.respond(request, known)
        if known.status == 401:
            return Redirect(login_address(request), status_code=303)
        view = FailureView(title="出错了", status=known.status, message=known.message)
        return self._pages.html("errors/failure.html", view, request.scope.get("user"), known.status)


def wants_html(request: Request) -> bool:
    """A browser that shows a page names HTML; programs seldom do."""
    return "text/html" in request.headers.get("accept", "")


def login_address(request: Request) -> str:
    """The log-in, which leads back to where the person wanted to go."""
    if request.method != "GET" or request.url.path == "/":
        return LOGIN
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"{LOGIN}?{urlencode({'next': wanted})}"


def local_path(wanted: str | None) -> str:
    """`wanted` when it is a path of this box, else the home page: a link must not lead to another site."""
    sound = wanted and wanted.startswith("/") and not wanted.startswith("//")
    return wanted if wanted and sound and "\\" not in wanted and wanted.isprintable() else "/"
