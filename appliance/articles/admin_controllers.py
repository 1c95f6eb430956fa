"""Publish, insert pictures, moderate comments: for admins, but for an own comment and for looking at a picture."""

from typing import Annotated

import anyio.to_thread
from litestar import Controller, Request, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery, JSONBody
from litestar.response import File

from appliance.articles import comments, pictures, publishing
from appliance.articles.markdown import render
from appliance.articles.schemas import (
    DecideComment,
    Managed,
    ManagedPage,
    ModeratedComment,
    ModeratedPage,
    PictureOut,
    Preview,
    PreviewOut,
    SavePublication,
)
from appliance.auth.controllers import address_of
from appliance.auth.guards import PUBLIC, require_admin
from appliance.auth.services import Account
from appliance.database import Database
from appliance.errors import Invalid, TooLarge
from appliance.storage import Storage


class PublicationController(Controller):
    path = "/publications"
    guards = (require_admin,)
    request_max_body_size = 1024 * 1024
    tags = ("publications",)

    @get()
    async def list_managed(
        self,
        database: NamedDependency[Database],
        kind: FromQuery[str] = "",
        status: FromQuery[str] = "",
        q: FromQuery[str] = "",
        before: FromQuery[str | None] = None,
    ) -> ManagedPage:
        """All, the last edited first. `status`: draft, scheduled, published or deleted."""
        return await anyio.to_thread.run_sync(publishing.list_managed, database, kind, status, q, before)

    @post()
    async def create(
        self,
        data: JSONBody[SavePublication],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> Managed:
        """A new article or announcement, in any state."""
        return await anyio.to_thread.run_sync(publishing.create, database, account, data, address_of(request))

    @post("/preview", status_code=200)
    async def preview(self, data: JSONBody[Preview]) -> PreviewOut:
        """A body as readers will see it, made by the same code."""
        if len(data.body) > publishing.BODY_CHARACTERS:
            raise TooLarge("正文太长，不能预览。", "body_too_long", maxCharacters=publishing.BODY_CHARACTERS)
        return PreviewOut(await anyio.to_thread.run_sync(render, data.body))

    @get("/{publication_id:str}")
    async def read(self, publication_id: FromPath[str], database: NamedDependency[Database]) -> Managed:
        """One as it is edited."""
        return await anyio.to_thread.run_sync(publishing.get_managed, database, publication_id)

    @put("/{publication_id:str}")
    async def update(
        self,
        publication_id: FromPath[str],
        data: JSONBody[SavePublication],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> Managed:
        """Save it; 409 when someone else has saved since `basedOn`."""
        address = address_of(request)
        return await anyio.to_thread.run_sync(publishing.update, database, account, publication_id, data, address)

    @delete("/{publication_id:str}")
    async def remove(
        self,
        publication_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> None:
        """Take it away; `restore` undoes that for 30 days."""
        address = address_of(request)
        await anyio.to_thread.run_sync(publishing.remove, database, account, publication_id, address)

    @post("/{publication_id:str}/restore", status_code=200)
    async def bring_back(
        self,
        publication_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> Managed:
        """Undo a deletion."""
        address = address_of(request)
        return await anyio.to_thread.run_sync(publishing.bring_back, database, account, publication_id, address)


class PictureController(Controller):
    path = "/pictures"
    request_max_body_size = pictures.MAX_BYTES + 1024 * 1024
    tags = ("publications",)

    @post(guards=(require_admin,))
    async def add(
        self,
        data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        storage: NamedDependency[Storage],
    ) -> PictureOut:
        """201: the `file`, encoded anew, with the Markdown that shows it."""
        file = data.get("file")
        if file is None:
            raise Invalid("没有收到图片，请选择文件后提交。", "file_missing")
        content, address = await file.read(), address_of(request)
        return await anyio.to_thread.run_sync(pictures.add, database, storage, account, file.filename, content, address)

    @get("/{sha256:str}", opt=PUBLIC)
    async def read(
        self, sha256: FromPath[str], database: NamedDependency[Database], storage: NamedDependency[Storage]
    ) -> File:
        """A published picture. Open to whoever knows its hash: a mini program's rich text can send no token."""
        path = await anyio.to_thread.run_sync(pictures.find, database, storage, sha256)
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return File(path, media_type=pictures.MEDIA_TYPE, content_disposition_type="inline", headers=headers)


class CommentController(Controller):
    path = "/comments"
    request_max_body_size = 64 * 1024
    tags = ("comments",)

    @get(guards=(require_admin,))
    async def list_all(
        self,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        status: FromQuery[str] = "pending",
        before: FromQuery[str | None] = None,
    ) -> ModeratedPage:
        """Everyone's, newest first. `status`: pending, approved or rejected."""
        return await anyio.to_thread.run_sync(comments.list_all, database, account, status, before)

    @put("/{comment_id:str}", guards=(require_admin,))
    async def decide(
        self,
        comment_id: FromPath[str],
        data: JSONBody[DecideComment],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> ModeratedComment:
        """Approve or reject it."""
        address = address_of(request)
        return await anyio.to_thread.run_sync(comments.decide, database, account, comment_id, data.state, address)

    @delete("/{comment_id:str}")
    async def remove(
        self,
        comment_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> None:
        """End an own comment; any for admins."""
        await anyio.to_thread.run_sync(comments.remove, database, account, comment_id, address_of(request))
