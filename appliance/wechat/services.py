"""Bind an account to a WeChat user, and log in by that. Of the user's openid only a hash is kept."""

import hashlib

import sqlite_utils

from appliance import audit
from appliance.auth.services import Account, Session, account_by_id, start_session
from appliance.clock import utc_now
from appliance.database import Database, row
from appliance.errors import Conflict, NotAuthenticated


def log_in(database: Database, openid: str, hours: int, address: str, user_agent: str) -> Session:
    """A session of the account that this WeChat user is bound to. Raises Conflict, NotAuthenticated."""
    sql = "SELECT account_id FROM wechat_bindings WHERE openid_sha256 = ?"
    bound = database.read(lambda db: row(db, sql, _hashed(openid)))
    if bound is None:
        raise Conflict("这个微信还没有绑定账号：请先用账号和密码登录，再到“我的”里绑定。", "wechat_not_bound")
    account = account_by_id(database, bound["account_id"])
    if account is None:
        raise NotAuthenticated("这个账号已停用，请联系管理员。", "account_disabled")
    return start_session(database, account, hours, address, user_agent)


def bind(database: Database, account: Account, openid: str, address: str) -> None:
    """From now on this WeChat user logs in as this account, and none other does. Raises Conflict."""

    def write(db: sqlite_utils.Database) -> None:
        found = row(db, "SELECT account_id FROM wechat_bindings WHERE openid_sha256 = ?", _hashed(openid))
        if found and found["account_id"] != account.id:
            raise Conflict("这个微信已绑定了另一个账号，请先在那个账号里解除绑定。", "wechat_bound_elsewhere")
        db.conn.execute("DELETE FROM wechat_bindings WHERE account_id = ?", (account.id,))
        made = {"openid_sha256": _hashed(openid), "account_id": account.id, "bound_at": utc_now()}
        db.table("wechat_bindings").insert(made)
        audit.record(db, account.id, "account.bind_wechat", account.id, address)

    database.write(write)


def unbind(database: Database, account: Account, address: str) -> None:
    """No WeChat user logs in as this account any more; undoing what is not there is no error."""

    def write(db: sqlite_utils.Database) -> None:
        db.conn.execute("DELETE FROM wechat_bindings WHERE account_id = ?", (account.id,))
        audit.record(db, account.id, "account.unbind_wechat", account.id, address)

    database.write(write)


def is_bound(database: Database, account: Account) -> bool:
    """Does some WeChat user log in as this account?"""
    sql = "SELECT 1 FROM wechat_bindings WHERE account_id = ?"
    return database.read(lambda db: row(db, sql, account.id)) is not None


def _hashed(openid: str) -> str:
    return hashlib.sha256(openid.encode()).hexdigest()
