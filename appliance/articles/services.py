"""Read what is published: lists with the pinned ones first, search, one with its HTML."""

from typing import Any

from appliance.articles.markdown import render
from appliance.articles.schemas import Kind, PublicationOut, PublicationPage, PublicationRow
from appliance.clock import utc_now
from appliance.database import Database, row, rows
from appliance.errors import Invalid, NotFound
from appliance.texts import like

PAGE = 20
_SHOWN = (
    "SELECT p.*, (SELECT count(*) FROM comments c WHERE c.publication_id = p.id AND c.state = 'approved') AS comments"
    " FROM publications p WHERE p.deleted_at IS NULL AND p.publish_at <= ?"
)


class PublicationNotFound(NotFound):
    code, message = "publication_not_found", "找不到这篇内容，它可能已被撤下。"


def list_published(database: Database, kind: Kind, wanted: str = "", after: str | None = None) -> PublicationPage:
    """What is published, the pinned first, then the newest; `after` is the cursor that the last page gave.

    Raises Invalid for a cursor that no page gave.
    """
    pattern = like(wanted.strip())
    sql = (
        f"{_SHOWN} AND p.kind = ? AND (p.title LIKE ? ESCAPE '!' OR p.body LIKE ? ESCAPE '!')"
        " AND (p.pinned, p.publish_at, p.id) < (?, ?, ?)"
        " ORDER BY p.pinned DESC, p.publish_at DESC, p.id DESC LIMIT ?"
    )
    place = parse_cursor(after)
    found = database.read(lambda db: rows(db, sql, utc_now(), kind, pattern, pattern, *place, PAGE + 1))
    items = [PublicationRow(**_row(each)) for each in found[:PAGE]]
    return PublicationPage(items, cursor_of(found[PAGE - 1]) if len(found) > PAGE else None)


def get_published(database: Database, kind: Kind, publication_id: str) -> PublicationOut:
    """One as it is read. Raises PublicationNotFound, also for a draft, a scheduled and a deleted one."""
    sql = f"{_SHOWN} AND p.kind = ? AND p.id = ?"
    found = database.read(lambda db: row(db, sql, utc_now(), kind, publication_id))
    if found is None:
        raise PublicationNotFound()
    return PublicationOut(**_row(found), html=render(found["body"]))


def cursor_of(found: dict[str, Any]) -> str:
    """The place of a row in the readers' order."""
    return f"{found['pinned']}~{found['publish_at']}~{found['id']}"


def parse_cursor(cursor: str | None) -> tuple[int, str, str]:
    """The place that a cursor names; the very beginning without one. Raises Invalid."""
    if not cursor:
        return 2, "", ""
    parts = cursor.split("~")
    if len(parts) != 3 or parts[0] not in ("0", "1"):
        raise Invalid("翻页位置有误，请回到第一页。", "cursor_invalid")
    return int(parts[0]), parts[1], parts[2]


def _row(found: dict[str, Any]) -> dict[str, Any]:
    same = {name: found[name] for name in ("id", "kind", "title", "excerpt", "comments")}
    return {**same, "pinned": bool(found["pinned"]), "published_at": found["publish_at"]}
