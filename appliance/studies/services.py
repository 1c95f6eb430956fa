"""Submit, read and list studies; keep the result of a segmentation."""

import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import msgspec
import sqlite_utils

from appliance import audit, jobs
from appliance.auth.services import Account
from appliance.clock import utc_now
from appliance.database import Database, row, rows
from appliance.errors import Conflict, Invalid, NotFound, StudyNotFound, TooLarge
from appliance.settings import LimitSettings
from appliance.storage import Storage, chunks_of
from appliance.studies import pictures
from appliance.studies.orders import Order
from appliance.studies.schemas import CorrectionOut, StudyOut, StudyPage, correction_out, study_out
from model import release
from model.tasks import TASKS

SEGMENT = "segment"  # the kind of job
SAMPLE = "sample"  # the `source` of a study of a phantom
PARTS = {
    "source": None,
    "view": "image/jpeg",
    "layer": "image/png",
    "mask": "image/png",
    "overlay": "image/jpeg",
    "confidence": "image/png",
}
PAGE = 20

_STUDY = (
    "SELECT studies.*, jobs.state, jobs.error_code, jobs.error_message FROM studies"
    " JOIN jobs ON jobs.subject_id = studies.id AND jobs.kind = 'segment' AND studies.deleted_at IS NULL"
)

CORRECTIONS = (
    "SELECT corrections.*, images.study_id, images.position, accounts.username, jobs.state, jobs.error_code,"
    " jobs.error_message FROM corrections JOIN images ON images.id = corrections.image_id"
    " JOIN accounts ON accounts.id = corrections.account_id"
    " JOIN jobs ON jobs.subject_id = corrections.id AND jobs.kind = 'correct'"
)
CORRECTION = f"{CORRECTIONS} WHERE corrections.id = ? AND corrections.deleted_at IS NULL"


@dataclass(frozen=True)
class Upload:
    """A file that came in: its name on the sender's side, and its content."""

    name: str
    file: IO[bytes]


@dataclass(frozen=True)
class Part:
    """A stored picture to send: where it lies, its type, and the name to save it under."""

    path: Path
    media_type: str
    file_name: str


def submit(
    database: Database,
    storage: Storage,
    limits: LimitSettings,
    account: Account,
    order: Order,
    uploads: list[Upload],
    address: str | None = None,
    source: str = "upload",
) -> str:
    """Store the files and queue the segmentation; returns the study's id, and then nothing can be lost any more.

    Raises Invalid, UnsupportedType, TooLarge, Conflict; nothing of a refused submission is stored.
    """
    check_organ(order.organ)
    check_spacing(order)
    if not uploads:
        raise Invalid("没有收到图片，请选择文件后提交。", "file_missing")
    if len(uploads) > limits.files:
        raise TooLarge(f"一次最多提交 {limits.files} 个文件。", "too_many_files", maxFiles=limits.files)
    seen = [pictures.inspect(upload.file, limits.upload_bytes, limits.pixels) for upload in uploads]
    stored = [storage.write(chunks_of(upload.file)) for upload in uploads]
    study_id = secrets.token_hex(12)

    def insert(db: sqlite_utils.Database) -> None:
        db.table("studies").insert(
            {
                "id": study_id,
                "account_id": account.id,
                "organ": order.organ,
                "careful": int(order.careful),
                "pixel_mm": order.pixel_mm,
                "slice_mm": order.slice_mm,
                "source": source,
                "created_at": utc_now(),
            }
        )
        for position, (upload, picture, file) in enumerate(zip(uploads, seen, stored, strict=True)):
            db.table("images").insert(
                {
                    "id": secrets.token_hex(12),
                    "study_id": study_id,
                    "position": position,
                    "name": upload.name[-200:],
                    "media_type": picture.media_type,
                    "width_px": picture.width_px,
                    "height_px": picture.height_px,
                    "source_sha256": file.sha256,
                }
            )
        jobs.enqueue(db, SEGMENT, study_id)
        audit.record(db, account.id, "study.create", study_id, address)

    database.write(insert)
    return study_id


def check_organ(organ: str) -> None:
    """Raises Invalid for an unknown organ, Conflict for one that no release serves yet."""
    if organ not in TASKS:
        known = "、".join(f"{task.organ}（{task.image_zh}）" for task in TASKS.values())
        raise Invalid(f"不认识的部位，可选：{known}。", "organ_unknown", organs=list(TASKS))
    if release.newest(organ) is None:
        raise Conflict(f"本机尚未安装“{TASKS[organ].name_zh}”的模型，请联系管理员。", "release_missing", organ=organ)


def check_spacing(order: Order) -> None:
    """Raises Invalid for a spacing that no picture has."""
    for value in (order.pixel_mm, order.slice_mm):
        if value is not None and not 0.001 <= value <= 50:
            raise Invalid("像素或层距（毫米）应在 0.001 到 50 之间。", "spacing_invalid")


def get(database: Database, account: Account, study_id: str) -> StudyOut:
    """One study. Raises StudyNotFound, also for one that this account may not see."""
    return database.read(lambda db: _read(db, account, study_id))


def read_audited(database: Database, account: Account, study_id: str, address: str) -> StudyOut:
    """`get`, and the audit row that reading a patient's data leaves."""
    study = get(database, account, study_id)
    own = partial(is_own, database, account, study_id)
    audit.record_view(database, account.id, "study.read", study_id, address, own=own)
    return study


def is_own(database: Database, account: Account, study_id: str) -> bool:
    """Whether this account submitted it."""
    sql = "SELECT 1 FROM studies WHERE id = ? AND account_id = ?"
    return database.read(lambda db: row(db, sql, study_id, account.id)) is not None


def list_own(database: Database, account: Account, before: str | None = None) -> StudyPage:
    """The account's own studies, newest first; `before` is the cursor that the last page gave."""

    def read(db: sqlite_utils.Database) -> StudyPage:
        sql = f"{_STUDY} WHERE studies.account_id = ? AND studies.created_at < ?"
        found = rows(db, f"{sql} ORDER BY studies.created_at DESC LIMIT ?", account.id, before or "9999", PAGE + 1)
        items = [_out(db, study) for study in found[:PAGE]]
        return StudyPage(items, items[-1].created_at if len(found) > PAGE else None)

    page = database.read(read)
    audit.record_view(database, account.id, "study.list", account.id, own=lambda: True)
    return page


def find_part(
    database: Database, storage: Storage, account: Account, study_id: str, position: int, part: str, address: str
) -> Part:
    """One picture of a study, audited. Raises StudyNotFound, NotFound."""
    if part not in PARTS:
        raise NotFound(f"没有这种图片，可选：{'、'.join(PARTS)}。", "part_unknown")
    study = get(database, account, study_id)
    image = database.read(
        lambda db: row(db, "SELECT * FROM images WHERE study_id = ? AND position = ?", study_id, position)
    )
    if image is None or not image[f"{part}_sha256"]:
        raise NotFound("这张图片还没有结果。", "part_missing")
    own = partial(is_own, database, account, study_id)
    audit.record_view(database, account.id, f"study.read_{part}", study_id, address, own=own)
    media_type = PARTS[part] or image["media_type"]
    suffix = {"image/jpeg": "jpg", "image/png": "png", "image/tiff": "tif"}[media_type]
    name = f"xiangyi-{study.organ}-{study_id[:8]}-{position + 1}-{part}.{suffix}"
    return Part(storage.path(image[f"{part}_sha256"]), media_type, name)


def findings_text(database: Database, account: Account, study_id: str) -> str:
    """What a study's findings say, as one text; a correction's stand in for the model's.

    Raises StudyNotFound, also for one that this account may not see.
    """
    study = database.read(lambda db: _read(db, account, study_id))
    return "".join(finding.text_zh for finding in study.standing)


def images_of(database: Database, study_id: str) -> list[dict[str, Any]]:
    """The rows of a study's images, in order."""
    return database.read(lambda db: _images(db, study_id))


def order_of(database: Database, study_id: str) -> Order:
    """What was asked for with a study. Raises StudyNotFound."""
    found = database.read(lambda db: row(db, "SELECT * FROM studies WHERE id = ?", study_id))
    if found is None:
        raise StudyNotFound()
    return Order(
        found["organ"], bool(found["careful"]), found["pixel_mm"], found["slice_mm"], found["source"] == SAMPLE
    )


def keep_image_result(db: sqlite_utils.Database, image_id: str, values: dict[str, Any]) -> None:
    """Write an image's result in the caller's transaction; structures are kept as JSON."""
    encoded = {k: v if isinstance(v, str | int | None) else msgspec.json.encode(v).decode() for k, v in values.items()}
    db.table("images").update(image_id, encoded)


def keep_study_result(db: sqlite_utils.Database, study_id: str, values: dict[str, Any]) -> None:
    """Write what made the result (release, compute, timings) in the caller's transaction."""
    encoded = {k: v if isinstance(v, str) else msgspec.json.encode(v).decode() for k, v in values.items()}
    db.table("studies").update(study_id, encoded)


def _read(db: sqlite_utils.Database, account: Account, study_id: str) -> StudyOut:
    found = row(db, f"{_STUDY} WHERE studies.id = ?", study_id)
    if found is None or not (account.sees_all or found["account_id"] == account.id):
        raise StudyNotFound()
    return _out(db, found)


def _out(db: sqlite_utils.Database, study: dict[str, Any]) -> StudyOut:
    sql = f"{CORRECTIONS} WHERE images.study_id = ? AND corrections.deleted_at IS NULL ORDER BY corrections.number"
    corrections: dict[str, list[CorrectionOut]] = {}
    for found in rows(db, sql, study["id"]):
        corrections.setdefault(found["image_id"], []).append(correction_out(found))
    return study_out(study, _images(db, study["id"]), corrections)


def _images(db: sqlite_utils.Database, study_id: str) -> list[dict[str, Any]]:
    return rows(db, "SELECT * FROM images WHERE study_id = ? ORDER BY position", study_id)
