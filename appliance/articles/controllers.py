"""Articles and announcements as people read them, with their comments."""

from typing import ClassVar

import anyio.to_thread
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from appliance.articles import comments, services
from appliance.articles.schemas import CommentOut, CommentPage, Kind, PublicationOut, PublicationPage, WriteComment
from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.database import Database


class _ReadingController(Controller):
    """What both kinds have; each gets these routes under a path of its own."""

    request_max_body_size = 64 * 1024
    kind: ClassVar[Kind]

    @get()
    async def list_published(
        self, database: NamedDependency[Database], q: FromQuery[str] = "", after: FromQuery[str | None] = None
    ) -> PublicationPage:
        """What is published, the pinned first, then the newest; `q` searches titles and texts."""
        return await anyio.to_thread.run_sync(services.list_published, database, self.kind, q, after)

    @get("/{publication_id:str}")
    async def read(self, publication_id: FromPath[str], database: NamedDependency[Database]) -> PublicationOut:
        """One, with its HTML, which is safe to show."""
        return await anyio.to_thread.run_sync(services.get_published, database, self.kind, publication_id)

    @get("/{publication_id:str}/comments")
    async def list_comments(
        self,
        publication_id: FromPath[str],
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        before: FromQuery[str | None] = None,
    ) -> CommentPage:
        """The approved comments and the own ones, newest first."""
        return await anyio.to_thread.run_sync(
            comments.list_comments, database, account, self.kind, publication_id, before
        )

    @post("/{publication_id:str}/comments")
    async def write_comment(
        self,
        publication_id: FromPath[str],
        data: JSONBody[WriteComment],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> CommentOut:
        """201: kept, and shown to others when an admin has approved it."""
        address = address_of(request)
        return await anyio.to_thread.run_sync(
            comments.write, database, account, self.kind, publication_id, data.text, address
        )


class ArticleController(_ReadingController):
    path = "/articles"
    tags = ("articles",)
    kind = "article"


class AnnouncementController(_ReadingController):
    path = "/announcements"
    tags = ("announcements",)
    kind = "announcement"
