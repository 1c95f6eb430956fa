"""The workspace: upload, ask, and what was uploaded lately."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Response, get
from litestar.di import NamedDependency

from appliance.articles.schemas import PublicationRow
from appliance.articles.services import list_published
from appliance.auth.services import Account
from appliance.checks import run_checks
from appliance.database import Database
from appliance.engines import Engines
from appliance.headlines import services as headlines
from appliance.headlines.schemas import HeadlinePage
from appliance.settings import Settings
from appliance.studies import services
from model import release
from model.tasks import TASKS
from webadmin.pages.health import Arrival, arrival_of, worst_of
from webadmin.pages.studies import StudyRow, study_row
from webadmin.rendering import Pages, View

RECENT = 6
ANNOUNCED = 3
VERDICTS = {"ok": "本机一切正常", "warning": "本机可以使用，有需要注意的地方", "fault": "本机有故障，需要处理"}


@dataclass(frozen=True)
class OrganChoice:
    """An organ's entry; one without a release is shown, but cannot be chosen."""

    organ: str
    name: str
    image: str
    installed: bool


@dataclass(frozen=True, kw_only=True)
class HomeView(View):
    """Limits are what the API enforces; the page tells them before a large file is sent in vain."""

    organs: list[OrganChoice]
    recent: list[StudyRow]
    arrival: Arrival
    announcements: list[PublicationRow]
    max_bytes: int
    max_files: int
    max_characters: int
    headlines: HeadlinePage
    verdict: str

    @property
    def verdict_zh(self) -> str:
        """The box's state in one line."""
        return VERDICTS[self.verdict]

    @property
    def chosen(self) -> str | None:
        """The organ that is chosen at first."""
        return next((choice.organ for choice in self.organs if choice.installed), None)


def organ_choices() -> list[OrganChoice]:
    """Every organ of the registry, in its order."""
    return [
        OrganChoice(task.organ, task.name_zh, task.image_zh, release.newest(task.organ) is not None)
        for task in TASKS.values()
    ]


@get("/")
async def show_home(
    account: NamedDependency[Account],
    settings: NamedDependency[Settings],
    database: NamedDependency[Database],
    engines: NamedDependency[Engines],
    pages: NamedDependency[Pages],
) -> Response[str]:
    """The page after the log-in."""
    studies = await anyio.to_thread.run_sync(services.list_own, database, account)
    announced = await anyio.to_thread.run_sync(list_published, database, "announcement")
    news = await anyio.to_thread.run_sync(headlines.page, database, settings)
    checks = await run_checks(settings, database, engines, thorough=False)
    limits = settings.limits
    view = HomeView(
        title="工作台",
        section="home",
        organs=organ_choices(),
        recent=[study_row(study) for study in studies.items[:RECENT]],
        arrival=await arrival_of(engines),
        announcements=announced.items[:ANNOUNCED],
        max_bytes=limits.upload_bytes,
        max_files=limits.files,
        max_characters=limits.question_characters,
        headlines=news,
        verdict=worst_of(checks),
    )
    return pages.html("home/page.html", view, account)
