"""What admins do with accounts: search, create, edit, disable, reset the password."""

import secrets
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from appliance import audit
from appliance.auth.services import ROLES, Account, check_username, insert_account, one_time_hash
from appliance.database import Database, row, rows
from appliance.errors import Conflict, Invalid, NotFound
from appliance.texts import like, one_line

PAGE = 50
NAME_CHARACTERS = 40
# Without what looks alike on paper: 0 O, 1 l I.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class AccountNotFound(NotFound):
    code, message = "account_not_found", "找不到这个账号。"


@dataclass(frozen=True)
class Person:
    """An account as admins see it. `deletion_asked_at`: when the person asked for their data to be deleted."""

    id: str
    username: str
    full_name: str
    department: str
    role: str
    disabled: bool
    password_is_initial: bool
    created_at: str
    seen_at: str | None
    deletion_asked_at: str | None


@dataclass(frozen=True)
class Profile:
    """What an admin may set."""

    username: str
    role: str
    full_name: str = ""
    department: str = ""
    disabled: bool = False


def list_people(
    database: Database, wanted: str = "", role: str = "", status: str = "", after: str = "", most: int = PAGE
) -> tuple[list[Person], str | None]:
    """Accounts by name, and the cursor of the next page. `status`: active, disabled, asked (for deletion) or "" for
    all."""
    pattern = like(wanted.strip())
    sql = (
        "SELECT * FROM accounts WHERE (? = '' OR role = ?)"
        " AND CASE ? WHEN 'active' THEN NOT disabled WHEN 'disabled' THEN disabled"
        " WHEN 'asked' THEN deletion_asked_at IS NOT NULL ELSE 1 END"
        " AND (username LIKE ? ESCAPE '!' OR full_name LIKE ? ESCAPE '!' OR department LIKE ? ESCAPE '!')"
        " AND username > ? ORDER BY username LIMIT ?"
    )
    found = database.read(lambda db: rows(db, sql, role, role, status, *[pattern] * 3, after, most + 1))
    people = [_person(each) for each in found[:most]]
    return people, people[-1].username if len(found) > most else None


def count_asking(database: Database) -> int:
    """How many have asked for their data to be deleted and wait for an answer."""
    sql = "SELECT count(*) AS n FROM accounts WHERE deletion_asked_at IS NOT NULL"
    found = database.read(lambda db: row(db, sql))
    return found["n"] if found else 0


def get_person(database: Database, account_id: str) -> Person:
    """Raises AccountNotFound."""
    return database.read(lambda db: _found(db, account_id))


def create_person(database: Database, admin: Account, profile: Profile, address: str | None = None) -> tuple[str, str]:
    """A new account; returns its id and its one-time password. Raises Invalid, Conflict."""
    profile = checked(profile)
    password = one_time_password()
    hashed = one_time_hash(password)
    return database.write(lambda db: insert_person(db, admin, profile, hashed, address)), password


def insert_person(
    db: sqlite_utils.Database, admin: Account, profile: Profile, hashed: str, address: str | None = None
) -> str:
    """Store a checked profile in the caller's transaction; returns its id. Raises Conflict when the name is taken."""
    account = Account(secrets.token_hex(12), profile.username, profile.role, True)
    insert_account(db, account, hashed, admin.id, address)
    more = {"full_name": profile.full_name, "department": profile.department, "disabled": int(profile.disabled)}
    db.table("accounts").update(account.id, more)
    return account.id


def update_person(
    database: Database, admin: Account, account_id: str, profile: Profile, address: str | None = None
) -> Person:
    """Set what the profile says; disabling ends the sessions.

    Raises AccountNotFound, Invalid, and Conflict when the name is taken or the box would be left without its admin.
    """
    profile = checked(profile)

    def update(db: sqlite_utils.Database) -> Person:
        before = _found(db, account_id)
        _check_admin_remains(db, admin, before, profile)
        taken = row(db, "SELECT 1 FROM accounts WHERE username = ? AND id != ?", profile.username, account_id)
        if taken:
            raise Conflict("这个用户名已被使用。", "username_taken")
        db.table("accounts").update(account_id, {**profile.__dict__, "disabled": int(profile.disabled)})
        if profile.disabled:
            db.conn.execute("DELETE FROM sessions WHERE account_id = ?", (account_id,))
        for action in _actions(before, profile):
            audit.record(db, admin.id, f"account.{action}", account_id, address)
        return _found(db, account_id)

    return database.write(update)


def reset_password(database: Database, admin: Account, account_id: str, address: str | None = None) -> str:
    """A one-time password, told this once; all sessions of the account end. Raises AccountNotFound, Conflict."""
    if account_id == admin.id:
        raise Conflict("自己的密码请在“我的账号”里修改。", "own_account")
    password = one_time_password()
    hashed = one_time_hash(password)

    def update(db: sqlite_utils.Database) -> str:
        _found(db, account_id)
        db.table("accounts").update(account_id, {"password_hash": hashed, "password_is_initial": 1})
        db.conn.execute("DELETE FROM sessions WHERE account_id = ?", (account_id,))
        audit.record(db, admin.id, "account.reset_password", account_id, address)
        return password

    return database.write(update)


def ask_for_deletion(database: Database, account: Account, wanted: bool, address: str | None = None) -> None:
    """Ask the hospital to delete the own data, or take that back; an admin sees it and decides."""

    def update(db: sqlite_utils.Database) -> None:
        sql = "UPDATE accounts SET deletion_asked_at = CASE WHEN ? THEN strftime('%Y-%m-%dT%H:%M:%fZ') END WHERE id = ?"
        db.conn.execute(sql, (wanted, account.id))
        action = "account.ask_deletion" if wanted else "account.withdraw_deletion"
        audit.record(db, account.id, action, account.id, address)

    database.write(update)


def checked(profile: Profile) -> Profile:
    """Tidied. Raises Invalid."""
    if profile.role not in ROLES:
        raise Invalid("角色须为 user、clinician 或 admin。", "role_invalid")
    names = [one_line(profile.full_name), one_line(profile.department)]
    if max(map(len, names)) > NAME_CHARACTERS:
        raise Invalid(f"姓名和科室请不超过 {NAME_CHARACTERS} 个字。", "name_too_long")
    return Profile(check_username(profile.username), profile.role, names[0], names[1], profile.disabled)


def one_time_password() -> str:
    """Easy to read out: three groups of four, 59 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


def _check_admin_remains(db: sqlite_utils.Database, admin: Account, before: Person, after: Profile) -> None:
    stays = after.role == "admin" and not after.disabled
    if before.role != "admin" or before.disabled or stays:
        return
    if before.id == admin.id:
        raise Conflict("不能停用自己，也不能取消自己的管理员角色。", "own_account")
    sql = "SELECT count(*) AS n FROM accounts WHERE role = 'admin' AND disabled = 0 AND id != ?"
    others = row(db, sql, before.id)
    if not others or not others["n"]:
        raise Conflict("这是最后一个管理员，不能停用或改为其他角色。", "last_admin")


def _actions(before: Person, after: Profile) -> list[str]:
    """What an edit did, as the audit log names it."""
    done = ["update"]
    if before.role != after.role:
        done.append("change_role")
    if before.disabled != after.disabled:
        done.append("disable" if after.disabled else "enable")
    return done


def _found(db: sqlite_utils.Database, account_id: str) -> Person:
    found = row(db, "SELECT * FROM accounts WHERE id = ?", account_id)
    if found is None:
        raise AccountNotFound()
    return _person(found)


def _person(found: dict[str, Any]) -> Person:
    names = ("id", "username", "full_name", "department", "role", "created_at", "seen_at", "deletion_asked_at")
    flags: dict[str, Any] = {name: bool(found[name]) for name in ("disabled", "password_is_initial")}
    return Person(**{name: found[name] for name in names}, **flags)
