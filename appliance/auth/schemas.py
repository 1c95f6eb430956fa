"""What the API says and hears of accounts and sessions."""

import msgspec

from appliance.auth.accounts import Person, Profile
from appliance.auth.rosters import RosterRow
from appliance.auth.services import Account, Session
from appliance.auth.sessions import OpenSession


class LogIn(msgspec.Struct, rename="camel"):
    username: str
    password: str


class ChangePassword(msgspec.Struct, rename="camel"):
    old_password: str
    new_password: str


class AccountOut(msgspec.Struct, rename="camel"):
    id: str
    username: str
    role: str
    password_is_initial: bool

    @classmethod
    def of(cls, account: Account) -> "AccountOut":
        return cls(account.id, account.username, account.role, account.password_is_initial)


class SessionOut(msgspec.Struct, rename="camel"):
    token: str
    expires_at: str
    account: AccountOut

    @classmethod
    def of(cls, session: Session) -> "SessionOut":
        return cls(session.token, session.expires_at, AccountOut.of(session.account))


class OpenSessionOut(msgspec.Struct, rename="camel"):
    id: str
    device: str
    address: str
    created_at: str
    seen_at: str
    expires_at: str
    current: bool

    @classmethod
    def of(cls, session: OpenSession) -> "OpenSessionOut":
        return cls(**session.__dict__)


class OpenSessions(msgspec.Struct, rename="camel"):
    items: list[OpenSessionOut]
    next: str | None = None


class SaveAccount(msgspec.Struct, rename="camel"):
    """What an admin sets. The password is never among it: a new account gets a one-time one."""

    username: str
    role: str = "user"
    full_name: str = ""
    department: str = ""
    disabled: bool = False

    def profile(self) -> Profile:
        return Profile(self.username, self.role, self.full_name, self.department, self.disabled)


class PersonOut(msgspec.Struct, rename="camel"):
    """An account as admins see it."""

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

    @classmethod
    def of(cls, person: Person) -> "PersonOut":
        return cls(**person.__dict__)


class PersonPage(msgspec.Struct, rename="camel"):
    items: list[PersonOut]
    next: str | None


class CreatedAccount(msgspec.Struct, rename="camel"):
    """`password` is told this once."""

    id: str
    password: str


class NewPassword(msgspec.Struct, rename="camel"):
    password: str


class RosterRowOut(msgspec.Struct, rename="camel"):
    line: int
    username: str
    full_name: str
    department: str
    role: str
    problem: str
    password: str

    @classmethod
    def of(cls, row: RosterRow) -> "RosterRowOut":
        it = row.profile
        return cls(row.line, it.username, it.full_name, it.department, it.role, row.problem, row.password)


class RosterOut(msgspec.Struct, rename="camel"):
    """`good` rows become accounts, or have become them when `stored`."""

    items: list[RosterRowOut]
    good: int
    stored: bool
