"""People's versions of a mask: handed in, kept beside the model's, read, taken back. Append only."""

import io
import secrets
from functools import partial
from typing import Any

import sqlite_utils

from appliance import audit, jobs
from appliance.auth.services import Account
from appliance.clock import utc_now
from appliance.database import Database, row, rows
from appliance.errors import Conflict, CorrectionNotFound, Forbidden, Invalid, NotFound, UnsupportedType
from appliance.settings import LimitSettings
from appliance.storage import Storage
from appliance.studies import pictures
from appliance.studies.schemas import CorrectionOut, CorrectionPage, correction_out
from appliance.studies.services import CORRECTION, CORRECTIONS, PARTS, Part, get, is_own

CORRECT = "correct"  # the kind of job
MASK_BYTES = 32 * 1024 * 1024
DRAWN = ("mask", "layer", "overlay")


def submit(
    database: Database,
    storage: Storage,
    limits: LimitSettings,
    account: Account,
    place: tuple[str, int],
    content: bytes,
    address: str,
) -> CorrectionOut:
    """Keep a corrected mask of the image at `place` (study, position) and queue its measuring.

    Raises StudyNotFound, NotFound, Conflict for an image without a result, Invalid, UnsupportedType, TooLarge.
    """
    image = _image(database, account, place)
    if not image["mask_sha256"]:
        raise Conflict("这张图片还没有分割结果，不能修正。", "correction_too_early")
    file = io.BytesIO(content)
    seen = pictures.inspect(file, MASK_BYTES, limits.pixels)
    if seen.media_type != "image/png":
        raise UnsupportedType("修正后的标注须是 PNG 图片。", "mask_type_unsupported")
    if (seen.width_px, seen.height_px) != (image["width_px"], image["height_px"]):
        size = f"{image['width_px']} × {image['height_px']}"
        raise Invalid(f"修正后的标注须与图片同样大小（{size} 像素）。", "mask_size")
    drawn = storage.write([content])
    correction_id = secrets.token_hex(12)

    def insert(db: sqlite_utils.Database) -> None:
        last = row(db, "SELECT max(number) AS number FROM corrections WHERE image_id = ?", image["id"])
        db.table("corrections").insert(
            {
                "id": correction_id,
                "image_id": image["id"],
                "number": ((last or {}).get("number") or 0) + 1,
                "account_id": account.id,
                "drawn_sha256": drawn.sha256,
                "created_at": utc_now(),
            }
        )
        jobs.enqueue(db, CORRECT, correction_id)
        audit.record(db, account.id, "correction.create", correction_id, address)

    database.write(insert)
    return find(database, account, place, correction_id)


def list_all(database: Database, account: Account, place: tuple[str, int]) -> CorrectionPage:
    """All versions of an image, oldest first. Raises StudyNotFound, NotFound."""
    image = _image(database, account, place)
    sql = f"{CORRECTIONS} WHERE corrections.image_id = ? AND corrections.deleted_at IS NULL ORDER BY number"
    found = database.read(lambda db: rows(db, sql, image["id"]))
    own = partial(is_own, database, account, place[0])
    audit.record_view(database, account.id, "correction.list", place[0], own=own)
    return CorrectionPage([correction_out(each) for each in found])


def find(database: Database, account: Account, place: tuple[str, int], correction_id: str) -> CorrectionOut:
    """One version. Raises StudyNotFound, NotFound, CorrectionNotFound."""
    return correction_out(_row(database, account, place, correction_id))


def read_audited(
    database: Database, account: Account, place: tuple[str, int], correction_id: str, address: str
) -> CorrectionOut:
    """`find`, and the audit row that reading a patient's data leaves."""
    found = find(database, account, place, correction_id)
    own = partial(is_own, database, account, place[0])
    audit.record_view(database, account.id, "correction.read", correction_id, address, own=own)
    return found


def find_part(
    database: Database,
    storage: Storage,
    account: Account,
    place: tuple[str, int],
    correction_id: str,
    part: str,
    address: str,
) -> Part:
    """A picture of a version: `mask`, `layer` or `overlay`, audited. Raises NotFound and its kin."""
    if part not in DRAWN:
        raise NotFound(f"没有这种图片，可选：{'、'.join(DRAWN)}。", "part_unknown")
    found = _row(database, account, place, correction_id)
    if not found[f"{part}_sha256"]:
        raise NotFound("这次修正还没有结果。", "part_missing")
    own = partial(is_own, database, account, place[0])
    audit.record_view(database, account.id, f"correction.read_{part}", correction_id, address, own=own)
    media_type = PARTS[part] or ""
    suffix = "jpg" if media_type == "image/jpeg" else "png"
    name = f"xiangyi-{place[0][:8]}-{place[1] + 1}-v{found['number']}-{part}.{suffix}"
    return Part(storage.path(found[f"{part}_sha256"]), media_type, name)


def take_back(database: Database, account: Account, place: tuple[str, int], correction_id: str, address: str) -> None:
    """Hide a version; only who drew it or an admin may. Its row and files stay. Raises Forbidden and NotFound's kin."""
    found = _row(database, account, place, correction_id)
    if account.role != "admin" and found["account_id"] != account.id:
        raise Forbidden("只有修正者本人或管理员可以撤回这次修正。", "correction_not_own")

    def update(db: sqlite_utils.Database) -> None:
        db.table("corrections").update(correction_id, {"deleted_at": utc_now(), "deleted_by": account.id})
        audit.record(db, account.id, "correction.delete", correction_id, address)

    database.write(update)


def work_of(database: Database, correction_id: str) -> dict[str, Any]:
    """What the job needs: the version's row with its image's and study's. Raises CorrectionNotFound."""
    sql = (
        "SELECT c.id, c.drawn_sha256, i.source_sha256, s.id AS study_id, s.organ, s.pixel_mm, s.source"
        " FROM corrections c JOIN images i ON i.id = c.image_id JOIN studies s ON s.id = i.study_id WHERE c.id = ?"
    )
    found = database.read(lambda db: row(db, sql, correction_id))
    if found is None:
        raise CorrectionNotFound()
    return found


def _row(database: Database, account: Account, place: tuple[str, int], correction_id: str) -> dict[str, Any]:
    image = _image(database, account, place)
    found = database.read(lambda db: row(db, f"{CORRECTION} AND corrections.image_id = ?", correction_id, image["id"]))
    if found is None:
        raise CorrectionNotFound()
    return found


def _image(database: Database, account: Account, place: tuple[str, int]) -> dict[str, Any]:
    """The image's row, for whoever may see its study: they may correct it as well."""
    study_id, position = place
    get(database, account, study_id)
    sql = "SELECT * FROM images WHERE study_id = ? AND position = ?"
    found = database.read(lambda db: row(db, sql, study_id, position))
    if found is None:
        raise NotFound("这项检查没有这张图片。", "image_not_found")
    return found
