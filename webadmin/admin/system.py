"""The box itself: self-checks, jobs, audit log, backups, settings, language models, licences; a tab for each."""

from dataclasses import dataclass
from datetime import datetime

import anyio.to_thread
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from appliance import app, language_models
from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.backups import services as backups
from appliance.backups.services import BackupOut
from appliance.checks import Check, run_checks
from appliance.database import Database
from appliance.engines import Engines
from appliance.language_models import LanguageModel
from appliance.overrides.controllers import SettingOut, settings_out
from appliance.settings import Settings
from appliance.system import about, audit_log, job_list
from appliance.system.about import Package
from appliance.system.audit_log import AuditFilter, AuditLines
from appliance.system.job_list import JobLines
from webadmin import wording
from webadmin.admin.listing import query_of
from webadmin.admin.overview import AdminView
from webadmin.pages.health import STATUSES
from webadmin.rendering import Pages

TABS = (
    ("checks", "/admin/system", "自检"),
    ("jobs", "/admin/system/jobs", "任务"),
    ("audit", "/admin/system/audit", "操作日志"),
    ("backups", "/admin/system/backups", "备份"),
    ("settings", "/admin/system/settings", "设置"),
    ("models", "/admin/system/models", "语言模型"),
    ("about", "/admin/system/about", "关于与许可"),
)
JOBS = {
    "segment": "图像分割",
    "correct": "测量修正",
    "fetch_headlines": "获取头条",
    "install_release": "检验上传的模型",
    "open_release": "启用模型",
    "compare_releases": "对比模型",
}
JOB_STATES = {"queued": "等待中", "running": "进行中", "succeeded": "已完成", "failed": "失败", "cancelled": "已取消"}


@dataclass(frozen=True, kw_only=True)
class SystemView(AdminView):
    """`tab` is the one that is open."""

    part: str = "system"
    tab: str
    tabs: tuple[tuple[str, str, str], ...] = TABS


@dataclass(frozen=True, kw_only=True)
class ChecksView(SystemView):
    checks: list[Check]
    statuses: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class JobsView(SystemView):
    page: JobLines
    status: str
    first: bool
    kinds: dict[str, str]
    states: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class AuditView(SystemView):
    page: AuditLines
    wanted: AuditFilter
    query: str
    first: bool
    actions: dict[str, str]
    kept_days: int


@dataclass(frozen=True, kw_only=True)
class BackupsView(SystemView):
    backups: list[BackupOut]
    folder: str
    encrypted: bool

    @property
    def running(self) -> bool:
        return any(each.state == "running" for each in self.backups)


@dataclass(frozen=True, kw_only=True)
class SettingsView(SystemView):
    settings: list[SettingOut]


@dataclass(frozen=True, kw_only=True)
class ModelsView(SystemView):
    models: list[LanguageModel]


@dataclass(frozen=True, kw_only=True)
class AboutView(SystemView):
    version: str
    versions: list[tuple[str, str]]
    packages: list[Package]
    now: str


@get("/system")
async def show_checks(
    account: NamedDependency[Account],
    settings: NamedDependency[Settings],
    database: NamedDependency[Database],
    engines: NamedDependency[Engines],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """All self-checks with their mends, each file's hash included."""
    checks = await run_checks(settings, database, engines, thorough=False)
    view = ChecksView(title="系统", tab="checks", checks=checks, statuses=STATUSES)
    return pages.html("admin/system/checks.html", view, account)


@get("/system/jobs")
async def list_jobs(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    status: FromQuery[str] = "",
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """Jobs by state; failed ones may be tried anew."""
    page = await anyio.to_thread.run_sync(job_list.list_all, database, status, before)
    view = JobsView(
        title="任务", tab="jobs", page=page, status=status, first=before is None, kinds=JOBS, states=JOB_STATES
    )
    return pages.html("admin/system/jobs.html", view, account)


@get("/system/audit")
async def list_audit(
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    username: FromQuery[str] = "",
    action: FromQuery[str] = "",
    subject: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """Who did what."""
    wanted = AuditFilter(username.strip(), action, subject.strip(), since, until)
    page = await anyio.to_thread.run_sync(audit_log.search, database, account, wanted, before, address_of(request))
    actions = await anyio.to_thread.run_sync(audit_log.actions, database)
    view = AuditView(
        title="操作日志",
        tab="audit",
        page=page,
        wanted=wanted,
        query=query_of(wanted),
        first=before is None,
        actions={name: wording.action(name) for name in actions},
        kept_days=pages.site().audit_days,
    )
    return pages.html("admin/system/audit.html", view, account)


@get("/system/backups")
async def list_backups(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """Back up now, and what became of the last ones."""
    found = await anyio.to_thread.run_sync(backups.list_last, database, settings)
    encrypted = bool(settings.backup.key_file or settings.backup.recipients)
    folder = str(settings.backups_dir)
    view = BackupsView(title="备份", tab="backups", backups=found, folder=folder, encrypted=encrypted)
    return pages.html("admin/system/backups.html", view, account)


@get("/system/settings")
async def show_settings(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """What may be changed while the box runs."""
    found = await anyio.to_thread.run_sync(settings_out, database, settings)
    return pages.html("admin/system/settings.html", SettingsView(title="设置", tab="settings", settings=found), account)


@get("/system/models")
async def list_models(
    account: NamedDependency[Account], settings: NamedDependency[Settings], pages: NamedDependency[Pages]
) -> Response[str]:
    """Language models: which are here, which one answers."""
    found = await anyio.to_thread.run_sync(language_models.list_models, settings)
    return pages.html("admin/system/models.html", ModelsView(title="语言模型", tab="models", models=found), account)


@get("/system/about")
async def show_about(account: NamedDependency[Account], pages: NamedDependency[Pages]) -> Response[str]:
    """Versions, and the licences of all that is installed."""
    packages = await anyio.to_thread.run_sync(about.packages)
    view = AboutView(
        title="关于与许可",
        tab="about",
        version=app.VERSION,
        versions=about.versions(),
        packages=packages,
        now=datetime.now().strftime("%Y-%m-%d %H:%M"),
    )
    return pages.html("admin/system/about.html", view, account)


PAGES = [show_checks, list_jobs, list_audit, list_backups, show_settings, list_models, show_about]
