"""Accounts with argon2 hashes, and opaque sessions of which only hashes are stored."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlite_utils
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from appliance import audit
from appliance.clock import utc_now, utc_text
from appliance.database import Database, row
from appliance.errors import Conflict, Invalid, NotAuthenticated, NotFound

ROLES = ("user", "clinician", "admin")
MIN_PASSWORD, MAX_PASSWORD = 8, 256

_hasher = PasswordHasher()
# Verified when no such account exists, so that the time of an answer does not tell which names do.
_nobody = _hasher.hash(secrets.token_hex(16))


@dataclass(frozen=True)
class Account:
    """Who is asking. `role` is one of ROLES.

    `staff_outside`: a clinician or an admin who came through the tunnel and has a user's role meanwhile.
    """

    id: str
    username: str
    role: str
    password_is_initial: bool = False
    staff_outside: bool = False

    @property
    def sees_all(self) -> bool:
        """Clinicians and admins see every patient's studies and consultations."""
        return self.role in ("clinician", "admin")


@dataclass(frozen=True)
class Session:
    """A fresh session: the only moment at which its token is known to the box."""

    token: str
    expires_at: str
    account: Account


def create_account(
    database: Database, username: str, password: str, role: str, initial: bool = False, by: str | None = None
) -> Account:
    """Raises Invalid for a bad name, password or role, Conflict when the name is taken.

    An `initial` password is one to be changed at the first log-in: its length is whoever presets it to choose.
    """
    username = check_username(username)
    if role not in ROLES:
        raise Invalid("角色须为 user、clinician 或 admin。", "role_invalid")
    hashed = one_time_hash(password) if initial else hash_password(password)
    account = Account(secrets.token_hex(12), username, role, initial)
    database.write(lambda db: insert_account(db, account, hashed, by))
    return account


def check_username(username: str) -> str:
    """Without blanks around it. Raises Invalid."""
    username = username.strip()
    # Printable, so that no name is invisible or turns the direction of what stands after it.
    if not 2 <= len(username) <= 64 or not username.isprintable() or any(c.isspace() for c in username):
        raise Invalid("用户名须为 2 至 64 个字符，且不含空格。", "username_invalid")
    return username


def insert_account(
    db: sqlite_utils.Database, account: Account, hashed: str, by: str | None, address: str | None = None
) -> None:
    """Store it in the caller's transaction. Raises Conflict when the name is taken."""
    if row(db, "SELECT id FROM accounts WHERE username = ?", account.username):
        raise Conflict("这个用户名已被使用。", "username_taken")
    made = {"id": account.id, "username": account.username, "role": account.role, "created_at": utc_now()}
    secret = {"password_hash": hashed, "password_is_initial": int(account.password_is_initial)}
    db.table("accounts").insert({**made, **secret})
    audit.record(db, by, "account.create", account.id, address)


def ensure_admin(database: Database, password: str | None) -> str | None:
    """On a box without any account make `admin`; returns its one-time password when we chose it, else None."""
    if database.read(lambda db: row(db, "SELECT id FROM accounts LIMIT 1")):
        return None
    chosen = password or secrets.token_urlsafe(9)
    create_account(database, "admin", chosen, "admin", initial=password is None or len(chosen) < MIN_PASSWORD)
    return None if password else chosen


def log_in(
    database: Database, username: str, password: str, hours: int, address: str | None, user_agent: str = ""
) -> Session:
    """Raises NotAuthenticated, the same for a wrong name, a wrong password and a disabled account."""
    found = database.read(lambda db: row(db, "SELECT * FROM accounts WHERE username = ?", username.strip()))
    matches = _matches(found["password_hash"] if found else _nobody, password)
    if found is None or not matches or found["disabled"]:
        subject = found["id"] if found else "unknown"
        database.write(lambda db: audit.record(db, None, "session.refused", subject, address))
        raise NotAuthenticated("用户名或密码不正确。", "credentials_wrong")
    return start_session(database, _account(found), hours, address, user_agent)


def start_session(
    database: Database, account: Account, hours: int, address: str | None, user_agent: str = ""
) -> Session:
    """A session for whoever has proven to be this account."""
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    expires_at = utc_text(now + timedelta(hours=hours))

    def insert(db: sqlite_utils.Database) -> None:
        db.execute("DELETE FROM sessions WHERE expires_at < ?", [utc_text(now)])
        db.table("sessions").insert(
            {
                "id": secrets.token_hex(12),
                "token_sha256": token_hash(token),
                "account_id": account.id,
                "created_at": utc_text(now),
                "expires_at": expires_at,
                "user_agent": user_agent[:300],
                "address": address,
                "seen_at": utc_text(now),
            }
        )
        db.conn.execute("UPDATE accounts SET seen_at = ? WHERE id = ?", (utc_text(now), account.id))
        audit.record(db, account.id, "session.create", account.id, address)

    database.write(insert)
    return Session(token, expires_at, account)


def account_by_id(database: Database, account_id: str) -> Account | None:
    """The account, or None when there is none or it is disabled."""
    found = database.read(lambda db: row(db, "SELECT * FROM accounts WHERE id = ? AND NOT disabled", account_id))
    return _account(found) if found else None


def find_session(database: Database, token: str) -> tuple[Account, str | None] | None:
    """The account of a live session and when that was last seen, or None."""
    found = database.read(
        lambda db: row(
            db,
            "SELECT accounts.*, sessions.seen_at AS session_seen_at FROM sessions"
            " JOIN accounts ON accounts.id = sessions.account_id"
            " WHERE token_sha256 = ? AND expires_at > ? AND disabled = 0",
            token_hash(token),
            utc_now(),
        )
    )
    return (_account(found), found["session_seen_at"]) if found else None


def log_out(database: Database, token: str) -> None:
    """End a session; ending one that has ended is no error."""
    database.write(lambda db: db.execute("DELETE FROM sessions WHERE token_sha256 = ?", [token_hash(token)]))


def change_password(database: Database, account: Account, old: str, new: str, keep_token: str) -> None:
    """Set a new password and end the account's other sessions. Raises Invalid."""
    found = database.read(lambda db: row(db, "SELECT password_hash FROM accounts WHERE id = ?", account.id))
    if found is None:
        raise NotFound()
    if not _matches(found["password_hash"], old):
        raise Invalid("原密码不正确。", "credentials_wrong")
    hashed = hash_password(new)

    def update(db: sqlite_utils.Database) -> None:
        db.execute("UPDATE accounts SET password_hash = ?, password_is_initial = 0 WHERE id = ?", [hashed, account.id])
        db.execute(
            "DELETE FROM sessions WHERE account_id = ? AND token_sha256 != ?", [account.id, token_hash(keep_token)]
        )
        audit.record(db, account.id, "account.change_password", account.id)

    database.write(update)


def hash_password(password: str) -> str:
    """Argon2id. Raises Invalid when it is too short or absurdly long."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(f"密码须为 {MIN_PASSWORD} 至 {MAX_PASSWORD} 个字符。", "password_invalid")
    return _hasher.hash(password)


def one_time_hash(password: str) -> str:
    """Argon2id of a password that is to be changed at the first log-in, of whatever length."""
    return _hasher.hash(password)


def token_hash(token: str) -> str:
    """By which a session is found: the token itself is stored nowhere."""
    return hashlib.sha256(token.encode()).hexdigest()


def _matches(hashed: str, password: str) -> bool:
    try:
        return len(password) <= MAX_PASSWORD and _hasher.verify(hashed, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _account(found: dict) -> Account:
    return Account(found["id"], found["username"], found["role"], bool(found["password_is_initial"]))
