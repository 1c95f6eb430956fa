"""The job behind a correction: the drawn mask is decoded and judged, then measured and rendered as the model's are."""

import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import sqlite_utils
from PIL import Image

from appliance.database import Database
from appliance.engines import Engines
from appliance.errors import Invalid
from appliance.jobs import Job
from appliance.storage import Storage
from appliance.studies import corrections, pictures
from appliance.studies.render import draw
from appliance.studies.schemas import findings_out
from appliance.studies.services import SAMPLE
from model.findings import measure
from model.preprocess import prepare
from model.tasks import TASKS


def correct_image(
    database: Database, storage: Storage, engines: Engines, job: Job
) -> Callable[[sqlite_utils.Database], None]:
    """Do the work; returns what keeps it. Raises ImageDamaged, Invalid for a mask that holds no labels' indices."""
    work = corrections.work_of(database, job.subject_id)
    release = engines.segmenter(work["organ"]).release
    with storage.path(work["source_sha256"]).open("rb") as file:
        image = pictures.decode(file)
    mask = _decode(storage.path(work["drawn_sha256"]), image.shape[:2], work["organ"])
    findings = measure(work["organ"], mask, prepare(image, release.preprocess).fov, work["pixel_mm"], by_hand=True)
    drawn = draw(image, mask, findings, release.labels, work["study_id"], work["source"] == SAMPLE)
    values = {f"{part}_sha256": storage.write([getattr(drawn, part)]).sha256 for part in corrections.DRAWN}
    values["findings"] = msgspec.json.encode(findings_out(findings)).decode()

    def keep(db: sqlite_utils.Database) -> None:
        db.table("corrections").update(work["id"], values)

    return keep


def _decode(path: Path, shape: tuple[int, int], organ: str) -> np.ndarray:
    """uint8 (H, W) of label indices."""
    try:
        with Image.open(io.BytesIO(path.read_bytes()), formats=("PNG",)) as picture:
            picture.load()
            mode, mask = picture.mode, np.array(picture)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise pictures.ImageDamaged() from error
    if mode not in ("L", "P") or mask.dtype != np.uint8 or mask.shape != shape:
        raise Invalid("修正后的标注须是 8 位单通道 PNG，每个像素是类别编号。", "mask_type")
    known = {0, *(label.index for label in TASKS[organ].labels)}
    strange = sorted(set(np.unique(mask).tolist()) - known)
    if strange:
        raise Invalid(f"修正后的标注含有未知的类别编号：{strange[:5]}。", "mask_values")
    return mask
