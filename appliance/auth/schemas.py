"""What the API says and hears of accounts and sessions."""

import msgspec

from appliance.auth.services import Account, Session


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
