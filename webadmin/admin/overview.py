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


SECTIONS: tuple[Section, ...] = (
    Section("users", "/admin/users", "用户", "新建、停用账号，重置密码，批量导入和导出"),
    Section("publications", "/admin/publications", "信息发布", "写公告和健康科普，定时发布，置顶"),
    Section("comments", "/admin/comments", "留言审核", "通过或拒绝读者的留言"),
)


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
