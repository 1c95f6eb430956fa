"""Test a release on chosen studies, beside the one that is served: both overlays, and the Dice between the masks."""

import io
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlite_utils
from PIL import Image

from appliance import audit, jobs
from appliance.auth.services import Account
from appliance.clock import utc_now
from appliance.database import Database, row, rows
from appliance.engines import Engines
from appliance.errors import Conflict, Invalid, NotFound, XiangyiError
from appliance.jobs import Job
from appliance.releases import activation, shelf
from appliance.releases.schemas import Compare, ComparedImage, ComparisonOut
from appliance.storage import Storage
from appliance.studies import services as studies
from appliance.studies.orders import Order
from appliance.studies.pipeline import process
from model.tasks import TASKS

if TYPE_CHECKING:
    from appliance.engines import Segmenter

COMPARE = "compare_releases"  # the kind of job
MOST_STUDIES = 10
MOST_IMAGES = 30
SIDES = {"candidate": "candidate_sha256", "active": "active_sha256"}


class ComparisonNotFound(NotFound):
    code, message = "comparison_not_found", "找不到这次对比。"


@dataclass(frozen=True)
class _Made:
    """One image's result, as the columns of its row."""

    dice: dict[str, float]
    problem: str | None = None
    candidate_sha256: str | None = None
    active_sha256: str | None = None


def start(database: Database, releases_dir: Path, account: Account, asked: Compare, address: str) -> str:
    """Queue a comparison; returns its id. Raises Invalid, Conflict, ReleaseNotFound, StudyNotFound."""
    shelf.find(releases_dir, asked.organ, asked.version)
    chosen = list(dict.fromkeys(asked.study_ids))
    if not 1 <= len(chosen) <= MOST_STUDIES:
        raise Invalid(f"请选择 1 至 {MOST_STUDIES} 项检查。", "comparison_studies")
    for study_id in chosen:
        if studies.get(database, account, study_id).organ != asked.organ:
            raise Invalid("所选检查的部位与模型不符。", "comparison_organ")
    comparison_id = secrets.token_hex(12)

    def insert(db: sqlite_utils.Database) -> None:
        serving = activation.active(db, asked.organ)
        if serving == asked.version:
            raise Conflict("这个版本正在使用，无需与自己对比。", "release_active")
        facts = {"id": comparison_id, "organ": asked.organ, "version": asked.version, "against": serving}
        own = {"study_ids": json.dumps(chosen), "created_at": utc_now(), "created_by": account.id}
        db.table("comparisons").insert({**facts, **own})
        jobs.enqueue(db, COMPARE, comparison_id)
        audit.record(db, account.id, "release.compare", f"{asked.organ}/{asked.version}", address)
        for study_id in chosen:
            audit.record(db, account.id, "study.read", study_id, address)

    database.write(insert)
    return comparison_id


def compare_releases(
    database: Database, storage: Storage, engines: Engines, job: Job
) -> Callable[[sqlite_utils.Database], None]:
    """The job: both releases segment each image anew."""
    asked = _row(database, job.subject_id)
    candidate, serving = (
        engines.open_release(shelf.find(engines.releases_dir, asked["organ"], asked[side]))
        for side in ("version", "against")
    )
    images = [image for study_id in json.loads(asked["study_ids"]) for image in studies.images_of(database, study_id)]
    results = [(image, _compare(storage, candidate, serving, image)) for image in images[:MOST_IMAGES]]

    def keep(db: sqlite_utils.Database) -> None:
        for position, (image, made) in enumerate(results):
            own = {"comparison_id": job.subject_id, "position": position, "image_id": image["id"]}
            told = {**made.__dict__, "dice": json.dumps(made.dice), "name": image["name"]}
            db.table("compared_images").insert({**own, **told})

    return keep


def get(database: Database, comparison_id: str) -> ComparisonOut:
    """A comparison as far as it is. Raises ComparisonNotFound."""
    found = _row(database, comparison_id)
    sql = "SELECT * FROM compared_images WHERE comparison_id = ? ORDER BY position"
    images = [_image(image) for image in database.read(lambda db: rows(db, sql, comparison_id))]
    labels = dict.fromkeys(label for image in images for label in image.dice)
    means = {}
    for label in labels:
        values = [image.dice[label] for image in images if label in image.dice]
        means[label] = round(sum(values) / len(values), 4)
    names = ("id", "organ", "version", "against", "created_at")
    return ComparisonOut(
        **{name: found[name] for name in names},
        status=found["state"],
        error=found["error_message"],
        dice=means,
        images=images,
    )


def picture(
    database: Database, storage: Storage, account: Account, comparison_id: str, position: int, side: str, address: str
) -> Path:
    """Where an overlay lies, audited. Raises NotFound."""
    sql = "SELECT c.*, i.study_id FROM compared_images c JOIN images i ON i.id = c.image_id WHERE comparison_id = ?"
    found = database.read(lambda db: row(db, f"{sql} AND c.position = ?", comparison_id, position))
    if found is None or side not in SIDES or not found[SIDES[side]]:
        raise NotFound("没有这张图片。", "part_missing")
    database.write(lambda db: audit.record(db, account.id, "study.read_overlay", found["study_id"], address))
    return storage.path(found[SIDES[side]])


def _compare(storage: Storage, candidate: "Segmenter", serving: "Segmenter", image: dict[str, Any]) -> _Made:
    organ = candidate.release.organ
    masks, shown = [], []
    for segmenter in (candidate, serving):
        try:
            with storage.path(image["source_sha256"]).open("rb") as file:
                processed = process(file, segmenter, image["study_id"], Order(organ))
        except XiangyiError as error:
            return _Made({}, error.message)
        except OSError:
            return _Made({}, "原图读不出来，它可能已被清除。")
        if processed.rendered is None:
            return _Made({}, "图片未通过质检，没有分割。")
        masks.append(np.asarray(Image.open(io.BytesIO(processed.rendered.mask))))
        shown.append(storage.write([processed.rendered.overlay]).sha256)
    return _Made(dice_between(organ, masks[0], masks[1]), None, shown[0], shown[1])


def dice_between(organ: str, one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Dice of each label that one of two masks marks, by its Chinese name."""
    found = {}
    for label in TASKS[organ].labels:
        first, second = TASKS[organ].region(one, label), TASKS[organ].region(other, label)
        whole = int(first.sum()) + int(second.sum())
        if whole:
            found[label.name_zh] = round(2 * int((first & second).sum()) / whole, 4)
    return found


def _row(database: Database, comparison_id: str) -> dict[str, Any]:
    sql = (
        "SELECT c.*, j.state, j.error_message FROM comparisons c JOIN jobs j ON j.subject_id = c.id AND j.kind = ?"
        " WHERE c.id = ?"
    )
    found = database.read(lambda db: row(db, sql, COMPARE, comparison_id))
    if found is None:
        raise ComparisonNotFound()
    return found


def _image(found: dict[str, Any]) -> ComparedImage:
    def url(side: str) -> str | None:
        base = f"/api/v1/comparisons/{found['comparison_id']}/images/{found['position']}"
        return f"{base}/{side}" if found[SIDES[side]] else None

    return ComparedImage(
        found["position"],
        found["name"],
        json.loads(found["dice"]),
        found["problem"],
        url("candidate"),
        url("active"),
    )
