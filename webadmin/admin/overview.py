"""The admin area's first page: what an admin can do here."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Response, get
from litestar.di import NamedDependency

from appliance.articles.comments import count_pending
from appliance.auth.accounts import count_asking
from appliance.auth.services import Account
from appliance.database import Database
from appliance.system.job_list import count_failed
from webadmin.rendering import Pages, View


@dataclass(frozen=True)
class Section:
    """An entry of the admin area's navigation."""

    key: str
    address: str
    name: str
    hint: str


SECTIONS: tuple[Section, ...] = (
    Section("statistics", "/admin/statistics", "数据统计", "每日用量、活跃用户、用时、回答来源、存储"),
    Section("studies", "/admin/studies", "分割管理", "筛选、查看、删除与导出所有人的分割"),
    Section("consultations", "/admin/consultations", "问诊管理", "筛选、查看、删除与导出所有人的问诊"),
    Section("releases", "/admin/releases", "权重管理", "上传、对比、启用和退回分割模型的版本"),
    Section("documents", "/admin/documents", "知识库", "导入本院资料，阅读并签署"),
    Section("system", "/admin/system", "系统", "自检、任务、日志、备份、设置、语言模型、许可"),
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


@dataclass(frozen=True, kw_only=True)
class OverviewView(AdminView):
    """`waiting`: what waits for an admin, by its section: where to see to it, and how it is told."""

    waiting: dict[str, tuple[str, str]]


def waiting_in(database: Database) -> dict[str, tuple[str, str]]:
    """What there is to do, without what there is not."""
    pending, asking, failed = count_pending(database), count_asking(database), count_failed(database)
    found = {
        "comments": (pending, "/admin/comments", f"{pending} 条待审核"),
        "users": (asking, "/admin/users?status=asked", f"{asking} 人申请删除数据"),
        "system": (failed, "/admin/system/jobs?status=failed", f"近 7 天 {failed} 个任务失败"),
    }
    return {section: (address, told) for section, (count, address, told) in found.items() if count}


@get("/")
async def show_overview(
    account: NamedDependency[Account], database: NamedDependency[Database], pages: NamedDependency[Pages]
) -> Response[str]:
    """All sections, and what waits in them."""
    waiting = await anyio.to_thread.run_sync(waiting_in, database)
    return pages.html("admin/overview.html", OverviewView(title="管理", waiting=waiting), account)
