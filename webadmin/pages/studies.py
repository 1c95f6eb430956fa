"""A study's page in each of its states, and the list of the own ones."""

from dataclasses import dataclass

import anyio.to_thread
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from appliance.auth.controllers import address_of
from appliance.auth.services import Account
from appliance.database import Database
from appliance.studies import services
from appliance.studies.pictures import ImageDamaged
from appliance.studies.schemas import CorrectionOut, FindingOut, ImageOut, StrokeOut, StudyOut
from appliance.studies.services import SAMPLE
from model.tasks import TASKS, Label
from webadmin import wording
from webadmin.rendering import Pages, View

MODEL = "model"  # the version that the model made


@dataclass(frozen=True)
class StudyRow:
    """A study in a list."""

    id: str
    organ: str
    status: str
    status_zh: str
    created_at: str
    count: int
    thumbnail: str | None
    summary: str
    sample: bool = False
    corrected: bool = False


@dataclass(frozen=True, kw_only=True)
class StudiesView(View):
    """A page of the list; `next` is the cursor of older ones, None at the end."""

    rows: list[StudyRow]
    next: str | None
    first: bool


@dataclass(frozen=True, kw_only=True)
class StudyView(View):
    """A study with one of its images shown; `made_by` is the small print.

    `version` is the correction that is shown in place of the model's mask, None for the model's own; `revocable`
    whether this account may take it back.
    """

    study: StudyOut
    organ: str
    image: ImageOut
    labels: tuple[Label, ...]
    made_by: list[tuple[str, str]]
    version: CorrectionOut | None = None
    revocable: bool = False

    @property
    def shown(self) -> ImageOut | CorrectionOut:
        """Whatever has the layer, the mask, the overlay and the findings that are seen."""
        return self.version or self.image

    @property
    def versions(self) -> list[CorrectionOut]:
        """The corrections that can be shown, newest first."""
        return [made for made in reversed(self.image.corrections) if made.status == "succeeded"]

    @property
    def pending(self) -> bool:
        """Is a correction still being measured?"""
        return any(not made.ended for made in self.image.corrections)

    @property
    def whole(self) -> list[FindingOut]:
        """What was measured over all images together."""
        of_images = [finding for image in self.study.images for finding in image.findings + image.standing]
        every = self.study.standing if self.version else self.study.findings
        return [finding for finding in every if finding not in of_images]

    @property
    def strokes(self) -> list[StrokeOut]:
        """What the shown findings draw on the image."""
        return [stroke for finding in self.shown.findings for stroke in finding.strokes]

    @property
    def place(self) -> str:
        """The shown image's address in the API."""
        return f"/api/v1/studies/{self.study.id}/images/{self.image.position}"

    @property
    def refused(self) -> bool:
        """Was the shown image found unfit, whatever became of the others?"""
        return self.image.quality is not None and self.image.quality.status == "refused"

    @property
    def retryable(self) -> bool:
        """May the same originals do better another time? A damaged file will not."""
        damaged = self.study.error is not None and self.study.error.code == ImageDamaged.code
        return self.study.status == "failed" and not damaged


def study_row(study: StudyOut) -> StudyRow:
    """What a list tells of a study."""
    first = study.images[0] if study.images else None
    return StudyRow(
        id=study.id,
        organ=wording.organ(study.organ),
        status=study.status,
        status_zh=wording.status(study.status),
        created_at=study.created_at,
        count=len(study.images),
        thumbnail=first.view_url if first else None,
        summary=_summary(study),
        sample=study.source == SAMPLE,
        corrected=study.corrected_findings is not None,
    )


def _summary(study: StudyOut) -> str:
    """The first figures of a single picture; of several, how many were unfit."""
    if len(study.images) > 1:
        unfit = sum(image.quality is not None and image.quality.status == "refused" for image in study.images)
        return f"其中 {unfit} 张未通过质检" if unfit else ""
    return "，".join(f"{finding.name_zh} {finding.value:g} {finding.unit}" for finding in study.standing[:2])


def study_view(study: StudyOut, number: int, version: str = "", account: Account | None = None) -> StudyView:
    """`number` counts the images from 1; one that does not exist shows the nearest. `version` is a correction's id,
    "model", or "" for the newest."""
    organ = wording.organ(study.organ)
    image = study.images[min(max(number, 1), len(study.images)) - 1]
    chosen = next((made for made in image.corrections if made.id == version and made.status == "succeeded"), None)
    shown = None if version == MODEL else chosen or image.corrected
    drawn_by_them = shown is not None and account is not None and shown.by == account.username
    return StudyView(
        title=f"{organ}分割结果",
        section="home",
        study=study,
        organ=organ,
        image=image,
        labels=TASKS[study.organ].labels if study.organ in TASKS else (),
        made_by=_made_by(study),
        version=shown,
        revocable=drawn_by_them or (shown is not None and account is not None and account.role == "admin"),
    )


def _made_by(study: StudyOut) -> list[tuple[str, str]]:
    lines = [("检查编号", study.id)]
    if study.source == SAMPLE:
        lines.append(("来源", "演示样例：由程序绘制，不是任何病人的影像"))
    if study.release:
        lines.append(("模型", f"{study.release.name} {study.release.version}（{study.release.sha256[:12]}）"))
    if study.careful:
        lines.append(("模式", "仔细模式"))
    if study.compute:
        lines.append(("运行于", wording.compute(study.compute)))
    if study.timings_ms:
        lines.append(("用时", wording.timings(study.timings_ms)))
    return lines


@get("/studies")
async def list_studies(
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """The own studies, newest first."""
    page = await anyio.to_thread.run_sync(services.list_own, database, account, before)
    rows = [study_row(study) for study in page.items]
    view = StudiesView(title="我的检查", section="home", rows=rows, next=page.next, first=before is None)
    return pages.html("studies/list.html", view, account)


@get("/studies/{study_id:str}")
async def show_study(
    study_id: FromPath[str],
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    pages: NamedDependency[Pages],
    image: FromQuery[int] = 1,
    version: FromQuery[str] = "",
) -> Response[str]:
    """One study, with the image of that number in view, and of it the newest version or that one."""
    address = address_of(request)
    study = await anyio.to_thread.run_sync(services.read_audited, database, account, study_id, address)
    return pages.html("studies/page.html", study_view(study, image, version, account), account)
