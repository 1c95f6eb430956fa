"""The own sessions: from which device, since when, and how to end them."""

from dataclasses import dataclass
from datetime import timedelta

import sqlite_utils

from appliance import audit
from appliance.auth.services import Account, token_hash
from appliance.clock import utc_ago, utc_now
from appliance.database import Database, rows
from appliance.errors import NotFound, XiangyiError
from appliance.texts import one_line

SEEN_EVERY = timedelta(minutes=1)
_DEVICES = (
    ("MicroMessenger", "微信"),
    ("Edg", "Edge 浏览器"),
    ("Firefox", "Firefox 浏览器"),
    ("Chrome", "Chrome 浏览器"),
    ("Safari", "Safari 浏览器"),
)
_SYSTEMS = (
    ("Android", "安卓"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class OpenSession:
    """A session that is still open; `current` is the one that asks."""

    id: str
    device: str
    address: str
    created_at: str
    seen_at: str
    expires_at: str
    current: bool


def list_sessions(database: Database, account: Account, token: str) -> list[OpenSession]:
    """The account's open sessions, the one that asks first, then the last seen."""
    sql = "SELECT * FROM sessions WHERE account_id = ? AND expires_at > ? ORDER BY coalesce(seen_at, created_at) DESC"
    found = database.read(lambda db: rows(db, sql, account.id, utc_now()))
    listed = [
        OpenSession(
            each["id"],
            device_of(each["user_agent"] or ""),
            each["address"] or "",
            each["created_at"],
            each["seen_at"] or each["created_at"],
            each["expires_at"],
            each["token_sha256"] == token_hash(token),
        )
        for each in found
    ]
    return sorted(listed, key=lambda session: not session.current)


def end_session(database: Database, account: Account, session_id: str, address: str | None = None) -> None:
    """End one of the own sessions. Raises NotFound, also for another's."""

    def delete(db: sqlite_utils.Database) -> None:
        sql = "DELETE FROM sessions WHERE id = ? AND account_id = ?"
        if db.conn.execute(sql, (session_id, account.id)).rowcount == 0:
            raise NotFound("这个登录已经结束。", "session_not_found")
        audit.record(db, account.id, "session.end", session_id, address)

    database.write(delete)


def end_other_sessions(database: Database, account: Account, token: str, address: str | None = None) -> None:
    """End all own sessions but the one that asks."""

    def delete(db: sqlite_utils.Database) -> None:
        sql = "DELETE FROM sessions WHERE account_id = ? AND token_sha256 != ?"
        db.conn.execute(sql, (account.id, token_hash(token)))
        audit.record(db, account.id, "session.end_others", account.id, address)

    database.write(delete)


def note_seen(database: Database, account: Account, token: str, seen_at: str | None, address: str) -> None:
    """Remember when and whence a session was used, once a minute; a full disk is no reason to keep someone out."""
    if seen_at and seen_at > utc_ago(SEEN_EVERY):
        return

    def update(db: sqlite_utils.Database) -> None:
        now = utc_now()
        sql = "UPDATE sessions SET seen_at = ?, address = ? WHERE token_sha256 = ?"
        db.conn.execute(sql, (now, address, token_hash(token)))
        db.conn.execute("UPDATE accounts SET seen_at = ? WHERE id = ?", (now, account.id))

    try:
        database.write(update)
    except XiangyiError:
        return


def device_of(user_agent: str) -> str:
    """A browser's name for itself as people know it; another program by its own first words."""
    program = next((name for mark, name in _DEVICES if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if program or system:
        return " · ".join(part for part in (program, system) if part)
    return one_line(user_agent)[:40] or "未知设备"
