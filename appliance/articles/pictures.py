"""Pictures in articles: decoded and encoded anew in a process of its own, stored by hash, served to readers."""

import io
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import sqlite_utils
from PIL import Image

from appliance import audit, leftovers
from appliance.articles import reencode
from appliance.articles.markdown import PICTURES
from appliance.articles.schemas import PictureOut
from appliance.auth.services import Account
from appliance.clock import utc_ago, utc_now
from appliance.database import Database, row, rows
from appliance.errors import Invalid, NotFound, TooLarge, UnsupportedType, XiangyiError
from appliance.retention import done_before
from appliance.storage import Storage
from appliance.texts import one_line

MAX_BYTES = 20 * 1024 * 1024
TIMEOUT_S = 60
UNSAVED = timedelta(days=1)
MEDIA_TYPE = "image/jpeg"


def add(
    database: Database, storage: Storage, account: Account, name: str, content: bytes, address: str | None = None
) -> PictureOut:
    """Store a picture for bodies to show. Raises Invalid, TooLarge, UnsupportedType."""
    if not content:
        raise Invalid("文件是空的（0 字节），请重新选择。", "file_empty")
    if len(content) > MAX_BYTES:
        raise TooLarge(f"图片超过 {MAX_BYTES // 2**20} MB。", "picture_too_large", maxBytes=MAX_BYTES)
    jpeg = _reencoded(content)
    with Image.open(io.BytesIO(jpeg)) as image:  # the header of what we made ourselves
        width, height = image.size
    sha256 = storage.write([jpeg]).sha256

    def insert(db: sqlite_utils.Database) -> None:
        made = {"sha256": sha256, "width_px": width, "height_px": height}
        stamp = {"created_at": utc_now(), "created_by": account.id}
        db.table("pictures").insert({**made, **stamp}, ignore=True)
        audit.record(db, account.id, "picture.create", sha256, address)

    database.write(insert)
    return PictureOut(PICTURES + sha256, width, height, f"![{_caption(name)}]({PICTURES}{sha256})")


def find(database: Database, storage: Storage, sha256: str) -> Path:
    """Where a picture lies. Raises NotFound for any other file of the storage."""
    if database.read(lambda db: row(db, "SELECT 1 FROM pictures WHERE sha256 = ?", sha256)) is None:
        raise NotFound("找不到这张图片。", "picture_not_found")
    return storage.path(sha256)


def forget_unused(db: sqlite_utils.Database) -> None:
    """Let go of pictures that are in no body, in the caller's transaction; who has put one into an editor has a day to
    save it."""
    oldest = utc_ago(UNSAVED)
    unused = rows(
        db,
        "SELECT sha256 FROM pictures WHERE created_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM publications WHERE instr(body, pictures.sha256))",
        oldest,
    )
    for sha256 in done_before(db, [each["sha256"] for each in unused], "picture.create", oldest):
        db.conn.execute("DELETE FROM pictures WHERE sha256 = ?", (sha256,))
        leftovers.note(db, sha256)


def _reencoded(content: bytes) -> bytes:
    command = [sys.executable, "-m", reencode.__name__]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise _refusal(reencode.DAMAGED) from error
    if done.returncode:
        raise _refusal(done.returncode)
    return done.stdout


def _refusal(code: int) -> XiangyiError:
    if code == reencode.UNSUPPORTED:
        return UnsupportedType("只支持 PNG、JPEG、WebP 或 GIF 图片。", "picture_type_unsupported")
    if code == reencode.TOO_LARGE:
        return TooLarge("图片的像素太多，请缩小后上传。", "picture_too_many_pixels", maxPixels=reencode.MOST_PIXELS)
    return Invalid("图片文件已损坏，请重新导出后上传。", "picture_damaged")


def _caption(name: str) -> str:
    """A file's name without its ending, and without what Markdown would read as its own."""
    return "".join(c for c in one_line(Path(name).stem) if c not in "[]()!<>*_`\\|")[:60]
