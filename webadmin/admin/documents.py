"""The knowledge base: list, add, read, sign off, withdraw, delete."""

from dataclasses import dataclass
from urllib.parse import urlencode

import anyio.to_thread
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from appliance.auth.services import Account
from appliance.database import Database
from appliance.knowledge import services
from appliance.knowledge.schemas import DocumentDetail, DocumentPage
from appliance.knowledge.services import PAGE
from webadmin.admin.overview import AdminView
from webadmin.rendering import Pages


@dataclass(frozen=True, kw_only=True)
class DocumentsView(AdminView):
    """A page of the list; `earlier` and `later` are the queries of its neighbours."""

    part: str = "documents"
    page: DocumentPage
    q: str
    earlier: str | None
    later: str | None


@dataclass(frozen=True, kw_only=True)
class DocumentView(AdminView):
    """One document with its passages."""

    part: str = "documents"
    document: DocumentDetail


@get("/documents")
async def list_documents(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    q: FromQuery[str] = "",
    offset: FromQuery[int] = 0,
) -> Response[str]:
    """All documents, those that nobody has signed off first."""
    start = max(0, min(offset, 1_000_000))
    page = await anyio.to_thread.run_sync(services.list_all, database, q.strip(), start)
    view = DocumentsView(
        title="知识库",
        page=page,
        q=q.strip(),
        earlier=urlencode({"q": q, "offset": max(0, start - PAGE)}) if start else None,
        later=urlencode({"q": q, "offset": start + PAGE}) if start + PAGE < page.total else None,
    )
    return pages.html("admin/documents/page.html", view, account)


@get("/documents/{document_id:str}")
async def show_document(
    document_id: FromPath[str],
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """One document: read its passages, sign it off."""
    found = await anyio.to_thread.run_sync(services.get, database, document_id)
    return pages.html("admin/documents/document.html", DocumentView(title=found.title, document=found), account)


PAGES = [list_documents, show_document]
