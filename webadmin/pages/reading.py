"""Announcements and articles: the lists with their search, and one with its comments."""

from dataclasses import dataclass
from functools import partial

import anyio.to_thread
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
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


def _pages_of(kind: Kind) -> list[HTTPRouteHandler]:
    """The list of a kind, and one of it."""

    @get(f"/{kind}s")
    async def show_list(
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        pages: NamedDependency[Pages],
        q: FromQuery[str] = "",
        after: FromQuery[str | None] = None,
    ) -> Response[str]:
        """What is published, the pinned first."""
        found = await anyio.to_thread.run_sync(services.list_published, database, kind, q, after)
        view = ReadingListView(title=NAMES[kind], kind=kind, page=found, q=q, first=after is None)
        return pages.html("reading/list.html", view, account)

    @get(f"/{kind}s/{{publication_id:str}}")
    async def show_one(
        publication_id: FromPath[str],
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        pages: NamedDependency[Pages],
        before: FromQuery[str | None] = None,
    ) -> Response[str]:
        """One with its comments."""
        found = await anyio.to_thread.run_sync(services.get_published, database, kind, publication_id)
        listing = partial(comments.list_comments, database, account, kind, publication_id, before)
        below = await anyio.to_thread.run_sync(listing)
        view = ReadingView(title=found.title, kind=kind, publication=found, comments=below, first=before is None)
        return pages.html("reading/page.html", view, account)

    return [show_list, show_one]


PAGES = [*_pages_of("announcement"), *_pages_of("article")]
