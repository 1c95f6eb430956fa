"""Comments that wait for a decision, and those that have had one."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from appliance.articles import comments
from appliance.articles.schemas import ModeratedPage
from appliance.auth.services import Account
from appliance.database import Database
from webadmin.admin.overview import AdminView
from webadmin.rendering import Pages

STATES = {"pending": "待审核", "approved": "已通过", "rejected": "未通过"}


@dataclass(frozen=True, kw_only=True)
class CommentsView(AdminView):
    """A page of the comments in one state."""

    part: str = "comments"
    page: ModeratedPage
    status: str
    first: bool

    states = STATES


@get("/comments")
async def list_comments(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    status: FromQuery[str] = "pending",
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """Those in one state, newest first."""
    found = await anyio.to_thread.run_sync(comments.list_all, database, account, status, before)
    view = CommentsView(title="留言审核", page=found, status=status, first=before is None)
    return pages.html("admin/comments.html", view, account)
