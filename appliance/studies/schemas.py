"""What the API says of studies."""

import json
from typing import Any

import msgspec

from model.confidence import Confidence
from model.findings import Finding, liver_volume

DISCLAIMER = "本结果由人工智能自动生成，仅供医生参考，不能作为诊断依据。"


class StrokeOut(msgspec.Struct, rename="camel"):
    """What a finding draws: points [x, y] in the picture's pixels; `closed` for an outline."""

    points: list[tuple[float, float]]
    closed: bool = False


class FindingOut(msgspec.Struct, rename="camel"):
    code: str
    name_zh: str
    value: float
    unit: str
    text_zh: str
    strokes: list[StrokeOut] = []


class ConfidenceOut(msgspec.Struct, rename="camel"):
    """`level` high, medium or low; `expected_dice` 0…1 for each label that was marked."""

    level: str
    text_zh: str
    expected_dice: dict[str, float]


class QualityOut(msgspec.Struct, rename="camel"):
    status: str
    reasons_zh: list[str]


class ErrorOut(msgspec.Struct, rename="camel"):
    code: str
    message: str


class ReleaseOut(msgspec.Struct, rename="camel"):
    name: str
    version: str
    sha256: str


class CorrectionOut(msgspec.Struct, rename="camel"):
    """A person's version of an image's mask. `status`: queued, running, succeeded, failed; urls are null until then.

    `by` is the username of whoever drew it.
    """

    id: str
    number: int
    by: str
    created_at: str
    status: str
    mask_url: str | None
    layer_url: str | None
    overlay_url: str | None
    findings: list[FindingOut]
    error: ErrorOut | None = None

    @property
    def ended(self) -> bool:
        return self.status not in ("queued", "running")


class CorrectionPage(msgspec.Struct, rename="camel"):
    """All versions of one image, oldest first; there is no further page."""

    items: list[CorrectionOut]
    next: str | None = None


class ImageOut(msgspec.Struct, rename="camel"):
    """One image of a study. The urls of a result are null until there is one; they and the findings are the model's.

    `corrections`: people's versions of the mask, oldest first.
    """

    position: int
    name: str
    width_px: int
    height_px: int
    source_url: str
    view_url: str | None
    layer_url: str | None
    mask_url: str | None
    overlay_url: str | None
    confidence_url: str | None
    findings: list[FindingOut]
    quality: QualityOut | None
    confidence: ConfidenceOut | None
    corrections: list[CorrectionOut] = []

    @property
    def corrected(self) -> CorrectionOut | None:
        """The newest version that a person made, which stands in for the model's."""
        return next((made for made in reversed(self.corrections) if made.status == "succeeded"), None)

    @property
    def standing(self) -> list[FindingOut]:
        """The findings that hold: of the newest correction, else the model's."""
        return self.corrected.findings if self.corrected else self.findings


class StudyOut(msgspec.Struct, rename="camel"):
    """A study. `status`: queued, running, succeeded, refused (no image was fit to be segmented), failed.

    `source`: upload, or sample for a phantom that the box drew itself. `findings` are the model's;
    `corrected_findings` has those that hold once a person corrected a mask, else it is null.
    """

    id: str
    organ: str
    source: str
    careful: bool
    status: str
    created_at: str
    images: list[ImageOut]
    findings: list[FindingOut]
    release: ReleaseOut | None
    compute: str | None
    timings_ms: dict[str, float]
    error: ErrorOut | None
    disclaimer: str = DISCLAIMER
    corrected_findings: list[FindingOut] | None = None

    @property
    def standing(self) -> list[FindingOut]:
        """The findings that hold: with those of the newest corrections in place of the model's."""
        return self.findings if self.corrected_findings is None else self.corrected_findings

    @property
    def ended(self) -> bool:
        return self.status not in ("queued", "running")


class StudyPage(msgspec.Struct, rename="camel"):
    """A page of a list; `next` is the cursor of the following page, null at the end."""

    items: list[StudyOut]
    next: str | None


def findings_out(findings: list[Finding]) -> list[FindingOut]:
    """As the API and the command tell them."""
    return [
        FindingOut(
            f.code, f.name_zh, f.value, f.unit, f.text_zh, [StrokeOut(list(s.points), s.closed) for s in f.strokes]
        )
        for f in findings
    ]


def confidence_out(confidence: Confidence) -> ConfidenceOut:
    """As the API and the command tell it."""
    return ConfidenceOut(confidence.level, confidence.text_zh, confidence.expected_dice)


def study_out(
    study: dict[str, Any], images: list[dict[str, Any]], corrections: dict[str, list[CorrectionOut]] | None = None
) -> StudyOut:
    """From a row of studies joined with its job, and its images' rows; `corrections` by the image's id."""
    shown = [_image_out(image, (corrections or {}).get(image["id"], [])) for image in images]
    status = study["state"]
    if status == "succeeded" and all(image.quality and image.quality.status == "refused" for image in shown):
        status = "refused"
    every = [finding for image in shown for finding in image.findings]
    standing = [finding for image in shown for finding in image.standing]
    corrected = any(image.corrected for image in shown)
    error = ErrorOut(study["error_code"], study["error_message"]) if study["error_code"] else None
    release = msgspec.json.decode(study["release"], type=ReleaseOut) if study["release"] else None
    return StudyOut(
        id=study["id"],
        organ=study["organ"],
        source=study["source"],
        careful=bool(study["careful"]),
        status=status,
        created_at=study["created_at"],
        images=shown,
        findings=_volume(study, every) + every,
        corrected_findings=_volume(study, standing) + standing if corrected else None,
        release=release,
        compute=study["compute"],
        timings_ms=json.loads(study["timings_ms"] or "{}"),
        error=error,
    )


def _volume(study: dict[str, Any], findings: list[FindingOut]) -> list[FindingOut]:
    areas = [finding.value for finding in findings if finding.code == "liver_area"]
    return findings_out(liver_volume(areas, study["pixel_mm"], study["slice_mm"]))


def correction_out(found: dict[str, Any]) -> CorrectionOut:
    """From a row of corrections joined with its job, its image and its account."""
    ready = found["state"] == "succeeded"
    base = f"/api/v1/studies/{found['study_id']}/images/{found['position']}/corrections/{found['id']}"
    return CorrectionOut(
        id=found["id"],
        number=found["number"],
        by=found["username"],
        created_at=found["created_at"],
        status=found["state"],
        mask_url=f"{base}/mask" if ready else None,
        layer_url=f"{base}/layer" if ready else None,
        overlay_url=f"{base}/overlay" if ready else None,
        findings=msgspec.json.decode(found["findings"], type=list[FindingOut]),
        error=ErrorOut(found["error_code"], found["error_message"]) if found["error_code"] else None,
    )


def _image_out(image: dict[str, Any], corrections: list[CorrectionOut]) -> ImageOut:
    def url(part: str) -> str:
        return f"/api/v1/studies/{image['study_id']}/images/{image['position']}/{part}"

    return ImageOut(
        position=image["position"],
        name=image["name"],
        width_px=image["width_px"],
        height_px=image["height_px"],
        source_url=url("source"),
        view_url=url("view") if image["view_sha256"] else None,
        layer_url=url("layer") if image["layer_sha256"] else None,
        mask_url=url("mask") if image["mask_sha256"] else None,
        overlay_url=url("overlay") if image["overlay_sha256"] else None,
        confidence_url=url("confidence") if image["confidence_sha256"] else None,
        findings=msgspec.json.decode(image["findings"], type=list[FindingOut]),
        quality=msgspec.json.decode(image["quality"], type=QualityOut) if image["quality"] else None,
        confidence=msgspec.json.decode(image["confidence"], type=ConfidenceOut) if image["confidence"] else None,
        corrections=corrections,
    )
