"""Articles and announcements for admins: the list with its filters, and the editor."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from appliance.articles import publishing
from appliance.articles.markdown import render
from appliance.articles.schemas import Managed, ManagedPage
from appliance.auth.services import Account
from appliance.database import Database
from webadmin.admin.overview import AdminView
from webadmin.rendering import Pages

KINDS = {"announcement": "公告", "article": "健康科普"}
STATES = {"published": "已发布", "scheduled": "定时发布", "draft": "草稿", "deleted": "已删除"}


@dataclass(frozen=True, kw_only=True)
class PublicationsView(AdminView):
    """A page of the list, and how it is narrowed."""

    part: str = "publications"
    page: ManagedPage
    kind: str
    status: str
    q: str
    first: bool
    kept_days: int = publishing.KEPT_DAYS

    kinds = KINDS
    states = STATES


@dataclass(frozen=True, kw_only=True)
class EditorView(AdminView):
    """The editor; `publication` is None for a new one. `html` is the preview, made as readers will get it."""

    part: str = "publications"
    publication: Managed | None
    kind: str
    html: str
    title_characters: int = publishing.TITLE_CHARACTERS
    body_characters: int = publishing.BODY_CHARACTERS

    kinds = KINDS
    states = STATES


@get("/publications")
async def list_publications(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    kind: FromQuery[str] = "",
    status: FromQuery[str] = "",
    q: FromQuery[str] = "",
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """All, the last edited first."""
    found = await anyio.to_thread.run_sync(publishing.list_managed, database, kind, status, q, before)
    view = PublicationsView(title="信息发布", page=found, kind=kind, status=status, q=q, first=before is None)
    return pages.html("admin/publications.html", view, account)


@get("/publications/new", sync_to_thread=False)
def new_publication(
    account: NamedDependency[Account], pages: NamedDependency[Pages], kind: FromQuery[str] = "announcement"
) -> Response[str]:
    """An empty editor."""
    chosen = kind if kind in KINDS else "announcement"
    view = EditorView(title=f"新建{KINDS[chosen]}", publication=None, kind=chosen, html="")
    return pages.html("admin/publication.html", view, account)


@get("/publications/{publication_id:str}")
async def edit_publication(
    publication_id: FromPath[str],
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """The editor of one."""
    found = await anyio.to_thread.run_sync(publishing.get_managed, database, publication_id)
    html = await anyio.to_thread.run_sync(render, found.body)
    view = EditorView(title=f"编辑{KINDS[found.kind]}", publication=found, kind=found.kind, html=html)
    return pages.html("admin/publication.html", view, account)
