"""The knowledge base over HTTP: clinicians read and sign off, admins add and remove."""

from typing import Annotated

import anyio.to_thread
from litestar import Controller, Request, delete, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.database import Database
from appliance.errors import Forbidden, Invalid
from appliance.knowledge import services
from appliance.knowledge.schemas import DocumentDetail, DocumentPage
from appliance.knowledge.texts import MAX_BYTES


class DocumentController(Controller):
    path = "/documents"
    request_max_body_size = MAX_BYTES + 1024 * 1024
    tags = ("knowledge",)

    @get()
    async def list_all(
        self,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        q: FromQuery[str] = "",
        offset: FromQuery[int] = 0,
    ) -> DocumentPage:
        """All documents, those that nobody has signed off first."""
        return await anyio.to_thread.run_sync(services.list_all, database, q, max(0, offset))

    @post()
    async def add(
        self,
        data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> DocumentDetail:
        """201: the `file` cut into passages, which answers may rest on from now on."""
        _require_admin(account)
        file = data.get("file")
        if file is None:
            raise Invalid("没有收到文件，请选择后提交。", "file_missing")
        content = await file.read()
        name, address = file.filename or "", address_of(request)
        return await anyio.to_thread.run_sync(services.add, database, account, name, content, address)

    @get("/{document_id:str}")
    async def read(self, document_id: FromPath[str], database: NamedDependency[Database]) -> DocumentDetail:
        """One document with its passages."""
        return await anyio.to_thread.run_sync(services.get, database, document_id)

    @post("/{document_id:str}/review")
    async def review(
        self,
        document_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> DocumentDetail:
        """Sign it off in the own name: answers no longer say "not yet reviewed by a clinician"."""
        address = address_of(request)
        return await anyio.to_thread.run_sync(services.review, database, account, document_id, address)

    @delete("/{document_id:str}/review", status_code=200)
    async def withdraw(
        self,
        document_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> DocumentDetail:
        """Take the signature back, whosever it was."""
        address = address_of(request)
        return await anyio.to_thread.run_sync(services.withdraw, database, account, document_id, address)

    @delete("/{document_id:str}")
    async def remove(
        self,
        document_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> None:
        """Take a hospital's own document away."""
        _require_admin(account)
        address = address_of(request)
        await anyio.to_thread.run_sync(services.remove, database, account, document_id, address)


def _require_admin(account: Account) -> None:
    if account.role != "admin":
        raise Forbidden()
