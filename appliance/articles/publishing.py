"""What admins do with articles and announcements: write, schedule, pin, search, delete and take the deletion back."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import sqlite_utils

from appliance import audit
from appliance.articles import pictures
from appliance.articles.markdown import excerpt
from appliance.articles.schemas import Kind, Managed, ManagedPage, ManagedRow, SavePublication
from appliance.articles.services import PublicationNotFound
from appliance.auth.services import Account
from appliance.clock import utc_ago, utc_now, utc_text
from appliance.database import Database, row, rows
from appliance.errors import Conflict, Invalid, TooLarge
from appliance.retention import done_before
from appliance.texts import like, one_line, tidy

PAGE = 30
TITLE_CHARACTERS, BODY_CHARACTERS = 120, 100_000
KEPT_DAYS = 30  # how long a deletion can be taken back
STATES = ("draft", "scheduled", "published", "deleted")
_MANAGED = (
    "SELECT p.*, a.username AS editor,"
    " (SELECT count(*) FROM comments c WHERE c.publication_id = p.id AND c.state = 'approved') AS comments,"
    " (SELECT count(*) FROM comments c WHERE c.publication_id = p.id AND c.state = 'pending') AS pending"
    " FROM publications p LEFT JOIN accounts a ON a.id = p.updated_by"
)
# A state as SQL; each takes the present moment once.
_WHERE = {
    "": "p.deleted_at IS NULL AND ? != ''",
    "draft": "p.deleted_at IS NULL AND p.publish_at IS NULL AND ? != ''",
    "scheduled": "p.deleted_at IS NULL AND p.publish_at > ?",
    "published": "p.deleted_at IS NULL AND p.publish_at <= ?",
    "deleted": "p.deleted_at IS NOT NULL AND ? != ''",
}


def list_managed(
    database: Database, kind: str = "", state: str = "", wanted: str = "", before: str | None = None
) -> ManagedPage:
    """All, the last edited first, narrowed by kind, state (one of STATES) and text. Raises Invalid."""
    if state not in _WHERE:
        raise Invalid("没有这种状态。", "state_unknown", states=list(STATES))
    pattern = like(wanted.strip())
    sql = (
        f"{_MANAGED} WHERE {_WHERE[state]} AND (? = '' OR p.kind = ?)"
        " AND (p.title LIKE ? ESCAPE '!' OR p.body LIKE ? ESCAPE '!') AND p.updated_at < ?"
        " ORDER BY p.updated_at DESC LIMIT ?"
    )
    now = utc_now()
    last = before or "9999"
    found = database.read(lambda db: rows(db, sql, now, kind, kind, pattern, pattern, last, PAGE + 1))
    items = [ManagedRow(**_row(each, now)) for each in found[:PAGE]]
    return ManagedPage(items, items[-1].updated_at if len(found) > PAGE else None)


def get_managed(database: Database, publication_id: str) -> Managed:
    """One as it is edited. Raises PublicationNotFound, also for a deleted one."""
    return database.read(lambda db: _managed(db, publication_id))


def create(database: Database, account: Account, save: SavePublication, address: str | None = None) -> Managed:
    """Raises Invalid, TooLarge."""
    values = _values(save, None)
    made = {**values, "id": secrets.token_hex(12), "kind": save.kind, "created_by": account.id}

    def insert(db: sqlite_utils.Database) -> Managed:
        now = utc_now()
        db.table("publications").insert({**made, "created_at": now, "updated_at": now, "updated_by": account.id})
        audit.record(db, account.id, f"{save.kind}.create", made["id"], address)
        return _managed(db, made["id"])

    return database.write(insert)


def update(
    database: Database, account: Account, publication_id: str, save: SavePublication, address: str | None = None
) -> Managed:
    """Raises Invalid, TooLarge, PublicationNotFound, and Conflict when someone else has saved since."""

    def write(db: sqlite_utils.Database) -> Managed:
        before = _managed(db, publication_id)
        if save.based_on and save.based_on != before.updated_at:
            raise Conflict(f"{before.updated_by or '别人'}刚刚也保存过这篇内容，请先重新打开再改。", "edited_meanwhile")
        values = {**_values(save, before.publish_at), "kind": save.kind, "updated_at": utc_now()}
        db.table("publications").update(publication_id, {**values, "updated_by": account.id})
        audit.record(db, account.id, f"{save.kind}.update", publication_id, address)
        return _managed(db, publication_id)

    return database.write(write)


def remove(database: Database, account: Account, publication_id: str, address: str | None = None) -> None:
    """Take it away; for KEPT_DAYS `bring_back` undoes it. Raises PublicationNotFound."""

    def write(db: sqlite_utils.Database) -> None:
        kind = _managed(db, publication_id).kind
        db.table("publications").update(publication_id, {"deleted_at": utc_now()})
        audit.record(db, account.id, f"{kind}.delete", publication_id, address)

    database.write(write)


def bring_back(database: Database, account: Account, publication_id: str, address: str | None = None) -> Managed:
    """Undo a deletion. Raises PublicationNotFound."""

    def write(db: sqlite_utils.Database) -> Managed:
        found = row(db, "SELECT kind FROM publications WHERE id = ? AND deleted_at IS NOT NULL", publication_id)
        if found is None:
            raise PublicationNotFound()
        db.table("publications").update(publication_id, {"deleted_at": None})
        audit.record(db, account.id, f"{found['kind']}.restore", publication_id, address)
        return _managed(db, publication_id)

    return database.write(write)


def forget_deleted(database: Database) -> None:
    """End what was deleted more than KEPT_DAYS ago, with its comments, and pictures that no text shows any more. Run at
    each start, and by the worker's housekeeping."""
    oldest = utc_ago(timedelta(days=KEPT_DAYS))

    def take(db: sqlite_utils.Database) -> None:
        for kind in get_args(Kind):
            sql = "SELECT id FROM publications WHERE kind = ? AND deleted_at < ?"
            dated = [each["id"] for each in rows(db, sql, kind, oldest)]
            for publication_id in done_before(db, dated, f"{kind}.delete", oldest):
                db.conn.execute("DELETE FROM publications WHERE id = ?", (publication_id,))
        pictures.forget_unused(db)

    database.write(take)


def _values(save: SavePublication, published_at: str | None) -> dict[str, Any]:
    """The columns that a saving sets; `published_at` is what stood before: to save again is not to publish again."""
    title, body = one_line(save.title), tidy(save.body)
    if not title:
        raise Invalid("请填写标题。", "title_empty")
    if not body and save.state != "draft":
        raise Invalid("正文还是空的，不能发布；可以先存为草稿。", "body_empty")
    if len(title) > TITLE_CHARACTERS:
        raise TooLarge(f"标题请不超过 {TITLE_CHARACTERS} 个字。", "title_too_long", maxCharacters=TITLE_CHARACTERS)
    if len(body) > BODY_CHARACTERS:
        raise TooLarge(f"正文请不超过 {BODY_CHARACTERS} 个字。", "body_too_long", maxCharacters=BODY_CHARACTERS)
    publish_at = _publish_at(save, published_at)
    own = {"title": title, "body": body, "excerpt": excerpt(body)}
    return {**own, "pinned": int(save.pinned), "publish_at": publish_at}


def _publish_at(save: SavePublication, before: str | None) -> str | None:
    now = utc_now()
    if save.state == "draft":
        return None
    if save.state == "published":
        return before if before and before <= now else now
    try:
        moment = datetime.fromisoformat(save.publish_at or "")
    except ValueError as error:
        raise Invalid("请填写定时发布的日期和时间。", "publish_at_invalid") from error
    if moment.tzinfo is None or not now < utc_text(moment) < utc_text(datetime.now(UTC) + timedelta(days=3650)):
        raise Invalid("定时发布的时间须在现在之后、十年之内。", "publish_at_invalid")
    return utc_text(moment)


def _managed(db: sqlite_utils.Database, publication_id: str) -> Managed:
    found = row(db, f"{_MANAGED} WHERE p.id = ? AND p.deleted_at IS NULL", publication_id)
    if found is None:
        raise PublicationNotFound()
    return Managed(**_row(found, utc_now()), body=found["body"])


def _row(found: dict[str, Any], now: str) -> dict[str, Any]:
    names = ("id", "kind", "title", "excerpt", "publish_at", "updated_at", "deleted_at", "comments", "pending")
    at = found["publish_at"]
    state = "draft" if at is None else "scheduled" if at > now else "published"
    same = {name: found[name] for name in names}
    return {**same, "pinned": bool(found["pinned"]), "state": state, "updated_by": found["editor"]}
