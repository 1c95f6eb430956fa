"""The admin area's first page: what an admin can do here."""

from dataclasses import dataclass

from litestar import Response, get
from litestar.di import NamedDependency

from appliance.auth.services import Account
from webadmin.rendering import Pages, View


@dataclass(frozen=True)
class Section:
    """An entry of the admin area's navigation."""

    key: str
    address: str
    name: str
    hint: str


SECTIONS: tuple[Section, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AdminView(View):
    """What every admin page has; `part` is the key of the section that is open."""

    section: str = "admin"
    part: str = ""
    sections: tuple[Section, ...] = SECTIONS


@get("/")
async def show_overview(account: NamedDependency[Account], pages: NamedDependency[Pages]) -> Response[str]:
    """All sections."""
    return pages.html("admin/overview.html", AdminView(title="管理"), account)
