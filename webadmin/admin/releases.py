"""Releases of weights: what there is, one with its card, and the test beside the one that is served."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.database import Database
from appliance.releases import comparison, services
from appliance.releases.comparison import MOST_STUDIES
from appliance.releases.schemas import ComparisonOut, ReleaseDetail, ReleasesOut
from appliance.settings import Settings
from appliance.studies import everyones
from appliance.studies.everyones import StudyFilter, StudyLine
from webadmin import wording
from webadmin.admin.overview import AdminView
from webadmin.rendering import Pages

ARRIVALS = {"checking": "检验中", "ready": "已入库", "refused": "已拒绝"}
CHOICES = 20


@dataclass(frozen=True, kw_only=True)
class ReleasesView(AdminView):
    """Each organ's releases, and the archives that came in."""

    part: str = "releases"
    found: ReleasesOut
    organs: dict[str, str]
    states: dict[str, str]

    @property
    def waiting(self) -> bool:
        """Is an archive still being proven?"""
        return any(each.state == "checking" for each in self.found.arrivals)


@dataclass(frozen=True, kw_only=True)
class ReleaseView(AdminView):
    """One release, and the studies on which it may be tested."""

    part: str = "releases"
    release: ReleaseDetail
    organ: str
    studies: list[StudyLine]
    most: int = MOST_STUDIES


@dataclass(frozen=True, kw_only=True)
class ComparisonView(AdminView):
    """Both masks of each image."""

    part: str = "releases"
    found: ComparisonOut
    organ: str

    @property
    def waiting(self) -> bool:
        return self.found.status in ("queued", "running")


@get("/releases")
async def list_releases(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """All releases by organ; upload, activate, roll back."""
    found = await anyio.to_thread.run_sync(services.list_all, database, settings.releases_dir)
    view = ReleasesView(title="权重管理", found=found, organs=wording.organs(), states=ARRIVALS)
    return pages.html("admin/releases/page.html", view, account)


@get("/releases/{organ:str}/{version:str}")
async def show_release(
    organ: FromPath[str],
    version: FromPath[str],
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """One release with its card and figures, and the form to test it."""
    found = await anyio.to_thread.run_sync(services.get, database, settings.releases_dir, organ, version)
    wanted = StudyFilter(organ=organ, status="succeeded")
    page = await anyio.to_thread.run_sync(everyones.list_all, database, account, wanted, None, address_of(request))
    name = wording.organs()[organ]
    view = ReleaseView(title=f"{name} {version}", release=found, organ=name, studies=page.items[:CHOICES])
    return pages.html("admin/releases/release.html", view, account)


@get("/comparisons/{comparison_id:str}")
async def show_comparison(
    comparison_id: FromPath[str],
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """A test side by side."""
    found = await anyio.to_thread.run_sync(comparison.get, database, comparison_id)
    name = wording.organs().get(found.organ, found.organ)
    return pages.html(
        "admin/releases/comparison.html", ComparisonView(title="版本对比", found=found, organ=name), account
    )


PAGES = [list_releases, show_release, show_comparison]
