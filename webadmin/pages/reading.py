"""Announcements and articles: the lists with their search, and one with its comments."""

from dataclasses import dataclass
from functools import partial

import anyio.to_thread
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from appliance.articles import comments, services
from appliance.articles.comments import COMMENT_CHARACTERS
from appliance.articles.schemas import CommentPage, Kind, PublicationOut, PublicationPage
from appliance.auth.services import Account
from appliance.database import Database
from webadmin.rendering import Pages, View

NAMES: dict[Kind, str] = {"announcement": "公告", "article": "健康科普"}


@dataclass(frozen=True, kw_only=True)
class ReadingListView(View):
    """A page of what is published; `q` is what was searched for."""

    section: str = "reading"
    kind: Kind
    page: PublicationPage
    q: str
    first: bool


@dataclass(frozen=True, kw_only=True)
class ReadingView(View):
    """One with its comments. Its `html` was sanitised by the service: the only text that a template takes as HTML."""

    section: str = "reading"
    kind: Kind
    publication: PublicationOut
    comments: CommentPage
    first: bool
    max_characters: int = COMMENT_CHARACTERS

    @property
    def kind_zh(self) -> str:
        return NAMES[self.kind]


async def _list(
    kind: Kind, account: Account, database: Database, pages: Pages, q: str, after: str | None
) -> Response[str]:
    found = await anyio.to_thread.run_sync(services.list_published, database, kind, q, after)
    view = ReadingListView(title=NAMES[kind], kind=kind, page=found, q=q, first=after is None)
    return pages.html("reading/list.html", view, account)


async def _show(
    kind: Kind, publication_id: str, account: Account, database: Database, pages: Pages, before: str | None
) -> Response[str]:
    found = await anyio.to_thread.run_sync(services.get_published, database, kind, publication_id)
    listing = partial(comments.list_comments, database, account, kind, publication_id, before)
    below = await anyio.to_thread.run_sync(listing)
    view = ReadingView(title=found.title, kind=kind, publication=found, comments=below, first=before is None)
    return pages.html("reading/page.html", view, account)


@get("/announcements")
async def list_announcements(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    q: FromQuery[str] = "",
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """The notices, the pinned first."""
    return await _list("announcement", account, database, pages, q, after)


@get("/articles")
async def list_articles(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    q: FromQuery[str] = "",
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """Lasting education, the pinned first."""
    return await _list("article", account, database, pages, q, after)


@get("/announcements/{publication_id:str}")
async def show_announcement(
    publication_id: FromPath[str],
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """One notice."""
    return await _show("announcement", publication_id, account, database, pages, before)


@get("/articles/{publication_id:str}")
async def show_article(
    publication_id: FromPath[str],
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """One article."""
    return await _show("article", publication_id, account, database, pages, before)
