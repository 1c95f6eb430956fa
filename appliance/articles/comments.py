"""Comments: written by anyone who is logged in, shown to all when an admin has approved them."""

import secrets
from datetime import timedelta
from typing import Any

import sqlite_utils

from appliance import audit
from appliance.articles.schemas import CommentOut, CommentPage, CommentState, Kind, ModeratedComment, ModeratedPage
from appliance.articles.services import PublicationNotFound
from appliance.auth.services import Account
from appliance.clock import utc_ago, utc_now
from appliance.database import Database, row, rows
from appliance.errors import Invalid, NotFound, TooLarge, TooManyRequests
from appliance.texts import tidy

PAGE = 30
COMMENT_CHARACTERS = 500
MOST, WITHIN = 5, timedelta(minutes=10)
STATES = ("pending", "approved", "rejected")
_COMMENT = (
    "SELECT c.*, a.username AS author, p.kind, p.title FROM comments c JOIN accounts a ON a.id = c.account_id"
    " JOIN publications p ON p.id = c.publication_id"
)


class CommentNotFound(NotFound):
    code, message = "comment_not_found", "找不到这条留言，它可能已被删除。"


def list_comments(
    database: Database, account: Account, kind: Kind, publication_id: str, before: str | None = None
) -> CommentPage:
    """The approved ones and the own ones, newest first. Raises PublicationNotFound."""
    sql = (
        f"{_COMMENT} WHERE c.publication_id = ? AND (c.state = 'approved' OR c.account_id = ?)"
        " AND c.created_at < ? ORDER BY c.created_at DESC LIMIT ?"
    )

    def read(db: sqlite_utils.Database) -> list[dict[str, Any]]:
        _require_published(db, kind, publication_id)
        return rows(db, sql, publication_id, account.id, before or "9999", PAGE + 1)

    found = database.read(read)
    items = [CommentOut(**_out(each, account)) for each in found[:PAGE]]
    return CommentPage(items, items[-1].created_at if len(found) > PAGE else None)


def write(
    database: Database, account: Account, kind: Kind, publication_id: str, text: str, address: str | None = None
) -> CommentOut:
    """Keep a comment until an admin decides; an admin's own is shown at once.

    Raises PublicationNotFound, Invalid, TooLarge, and TooManyRequests after MOST comments WITHIN the last while.
    """
    text = tidy(text)
    if not text:
        raise Invalid("请写下留言。", "comment_empty")
    if len(text) > COMMENT_CHARACTERS:
        most = COMMENT_CHARACTERS
        raise TooLarge(f"留言请不超过 {most} 个字。", "comment_too_long", maxCharacters=most)
    comment_id = secrets.token_hex(12)
    state = "approved" if account.role == "admin" else "pending"

    def insert(db: sqlite_utils.Database) -> CommentOut:
        _require_published(db, kind, publication_id)
        _check_rate(db, account)
        made = {"id": comment_id, "publication_id": publication_id, "account_id": account.id, "text": text}
        db.table("comments").insert({**made, "state": state, "created_at": utc_now()})
        audit.record(db, account.id, "comment.create", comment_id, address)
        return CommentOut(**_out(_found(db, comment_id), account))

    return database.write(insert)


def decide(
    database: Database, account: Account, comment_id: str, state: CommentState, address: str | None = None
) -> ModeratedComment:
    """An admin's decision, which another may follow. Raises CommentNotFound."""

    def change(db: sqlite_utils.Database) -> ModeratedComment:
        _found(db, comment_id)
        decided = {"state": state, "decided_at": utc_now(), "decided_by": account.id}
        db.table("comments").update(comment_id, decided)
        audit.record(db, account.id, f"comment.{state}", comment_id, address)
        return _moderated(_found(db, comment_id), account)

    return database.write(change)


def remove(database: Database, account: Account, comment_id: str, address: str | None = None) -> None:
    """End a comment: the own one, or any for an admin. Raises CommentNotFound, also for another's."""

    def delete(db: sqlite_utils.Database) -> None:
        found = _found(db, comment_id)
        if account.role != "admin" and found["account_id"] != account.id:
            raise CommentNotFound()
        db.table("comments").delete(comment_id)
        audit.record(db, account.id, "comment.delete", comment_id, address)

    database.write(delete)


def list_all(database: Database, account: Account, state: str = "pending", before: str | None = None) -> ModeratedPage:
    """Everyone's comments in that state, newest first, for admins. Raises Invalid."""
    if state not in STATES:
        raise Invalid("没有这种状态。", "state_unknown", states=list(STATES))
    sql = (
        f"{_COMMENT} WHERE c.state = ? AND p.deleted_at IS NULL AND c.created_at < ? ORDER BY c.created_at DESC LIMIT ?"
    )
    found = database.read(lambda db: rows(db, sql, state, before or "9999", PAGE + 1))
    items = [_moderated(each, account) for each in found[:PAGE]]
    return ModeratedPage(items, items[-1].created_at if len(found) > PAGE else None)


def count_pending(database: Database) -> int:
    """How many wait for a decision."""
    sql = (
        "SELECT count(*) AS n FROM comments c JOIN publications p ON p.id = c.publication_id"
        " WHERE c.state = 'pending' AND p.deleted_at IS NULL"
    )
    found = database.read(lambda db: row(db, sql))
    return found["n"] if found else 0


def own(database: Database, account: Account) -> list[ModeratedComment]:
    """All that the account has written, oldest first."""
    sql = f"{_COMMENT} WHERE c.account_id = ? ORDER BY c.created_at"
    return [_moderated(each, account) for each in database.read(lambda db: rows(db, sql, account.id))]


def _require_published(db: sqlite_utils.Database, kind: Kind, publication_id: str) -> None:
    sql = "SELECT 1 FROM publications WHERE id = ? AND kind = ? AND deleted_at IS NULL AND publish_at <= ?"
    if row(db, sql, publication_id, kind, utc_now()) is None:
        raise PublicationNotFound()


def _check_rate(db: sqlite_utils.Database, account: Account) -> None:
    """Counted in the audit log: deleting a comment does not make room for the next."""
    sql = "SELECT count(*) AS n FROM audit_rows WHERE at > ? AND action = 'comment.create' AND account_id = ?"
    found = row(db, sql, utc_ago(WITHIN), account.id)
    if account.role != "admin" and found and found["n"] >= MOST:
        raise TooManyRequests("留言太频繁了，请过几分钟再写。", "comments_too_many")


def _found(db: sqlite_utils.Database, comment_id: str) -> dict[str, Any]:
    found = row(db, f"{_COMMENT} WHERE c.id = ?", comment_id)
    if found is None:
        raise CommentNotFound()
    return found


def _out(found: dict[str, Any], account: Account) -> dict[str, Any]:
    same = {name: found[name] for name in ("id", "text", "state", "author", "created_at")}
    return {**same, "own": found["account_id"] == account.id}


def _moderated(found: dict[str, Any], account: Account) -> ModeratedComment:
    place = {"publication_id": found["publication_id"], "publication_title": found["title"]}
    return ModeratedComment(**_out(found, account), **place, publication_kind=found["kind"])
