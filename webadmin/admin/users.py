"""Accounts for admins: the list with its search, one account, and the import of a roster."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from appliance.auth import accounts, rosters
from appliance.auth.accounts import NAME_CHARACTERS, Person
from appliance.auth.services import Account
from appliance.database import Database
from webadmin.admin.overview import AdminView
from webadmin.rendering import Pages
from webadmin.wording import ROLES

STATUSES = {"active": "正常", "disabled": "已停用", "asked": "申请删除数据"}


@dataclass(frozen=True, kw_only=True)
class UsersView(AdminView):
    """A page of accounts, and how they are narrowed."""

    part: str = "users"
    people: list[Person]
    next: str | None
    q: str
    role: str
    status: str
    first: bool

    roles = ROLES
    statuses = STATUSES


@dataclass(frozen=True, kw_only=True)
class UserView(AdminView):
    """The form of one account; `person` is None for a new one, `own` when it is the admin's."""

    part: str = "users"
    person: Person | None
    own: bool = False
    name_characters: int = NAME_CHARACTERS

    roles = ROLES


@dataclass(frozen=True, kw_only=True)
class RosterView(AdminView):
    """The form of the import."""

    part: str = "users"
    max_rows: int = rosters.MAX_ROWS


@get("/users")
async def list_users(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    q: FromQuery[str] = "",
    role: FromQuery[str] = "",
    status: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Response[str]:
    """All accounts by name."""
    people, following = await anyio.to_thread.run_sync(accounts.list_people, database, q, role, status, after)
    narrowed = {"q": q, "role": role, "status": status, "first": not after}
    view = UsersView(title="用户", people=people, next=following, **narrowed)  # type: ignore[arg-type]
    return pages.html("admin/users.html", view, account)


@get("/users/new", sync_to_thread=False)
def new_user(account: NamedDependency[Account], pages: NamedDependency[Pages]) -> Response[str]:
    """An empty form."""
    return pages.html("admin/user.html", UserView(title="新建用户", person=None), account)


@get("/users/import", sync_to_thread=False)
def import_users(account: NamedDependency[Account], pages: NamedDependency[Pages]) -> Response[str]:
    """Choose a file, see what it would do, do it."""
    return pages.html("admin/roster.html", RosterView(title="批量导入用户"), account)


@get("/users/{account_id:str}")
async def edit_user(
    account_id: FromPath[str],
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """One account."""
    person = await anyio.to_thread.run_sync(accounts.get_person, database, account_id)
    view = UserView(title=f"用户 {person.username}", person=person, own=person.id == account.id)
    return pages.html("admin/user.html", view, account)
