"""Pictures that people upload: what they are, judged from the header alone, and their decoding."""

import struct
from dataclasses import dataclass
from typing import IO

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from appliance.errors import Invalid, TooLarge, UnsupportedType
from appliance.upright import upright

FORMATS = ("PNG", "JPEG", "TIFF")
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "TIFF": "image/tiff"}
# The limit is ours (settings.limits.pixels), checked from the header; Pillow's own would only warn.
Image.MAX_IMAGE_PIXELS = None
# What Pillow raises on broken data: tags of a wrong type break it where it computes with them.
_BROKEN = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError),
    *(struct.error, Image.DecompressionBombError),
)
_TAIL_BYTES = _CHUNK_BYTES = 64 * 1024


class ImageDamaged(Invalid):
    code, message = "image_damaged", "图片文件不完整或已损坏，请重新拍摄或重新导出后上传。"


@dataclass(frozen=True)
class Picture:
    """What a file's header says; the sizes are those of the stored pixels, before any EXIF rotation."""

    media_type: str
    width_px: int
    height_px: int
    size_bytes: int


def inspect(file: IO[bytes], max_bytes: int, max_pixels: int) -> Picture:
    """Judge an upload without decoding a pixel, and rewind it.

    Raises Invalid when it is empty, UnsupportedType when its content is no PNG, JPEG or TIFF, TooLarge when it is
    over a limit, ImageDamaged when its end is missing.
    """
    size = file.seek(0, 2)
    if size == 0:
        raise Invalid("文件是空的（0 字节），请重新选择。", "file_empty")
    if size > max_bytes:
        raise TooLarge(f"图片超过 {max_bytes // 2**20} MB。", "study_too_large", maxBytes=max_bytes)
    file.seek(0)
    try:
        with Image.open(file, formats=FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                millions = max_pixels // 1_000_000
                raise TooLarge(
                    f"图片超过 {millions} 百万像素，请缩小后上传。", "image_too_many_pixels", maxPixels=max_pixels
                )
            if not _is_whole(image, file, size):
                raise ImageDamaged()
            return Picture(MEDIA_TYPES[image.format or ""], width, height, size)
    except (UnidentifiedImageError, KeyError) as error:
        raise UnsupportedType() from error
    except _BROKEN as error:
        raise ImageDamaged() from error
    finally:
        file.seek(0)


def decode(file: IO[bytes]) -> np.ndarray:
    """uint8 (H, W, 3) RGB, upright. Raises ImageDamaged. Only the worker and the command line call it."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            image.load()
            turned = upright(image)
            if turned.mode.startswith(("I", "F")):
                return np.repeat(_to_8_bit(np.asarray(turned))[..., None], 3, axis=2)
            if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
                turned = Image.alpha_composite(Image.new("RGBA", turned.size, "black"), turned.convert("RGBA"))
            return np.array(turned.convert("RGB"))
    except _BROKEN as error:
        raise ImageDamaged() from error


def _to_8_bit(grey: np.ndarray) -> np.ndarray:
    """16-bit grey rarely fills its range (10 or 12 bits are usual): scale what is there to 0…255."""
    low, high = np.percentile(grey[:: max(1, grey.shape[0] // 1000)], (0.1, 99.9))
    scaled = (grey.astype(np.float32) - low) * (255 / max(1e-6, high - low))
    return np.clip(scaled, 0, 255).astype(np.uint8)


def _is_whole(image: Image.Image, file: IO[bytes], size: int) -> bool:
    """Does the file reach to its end mark (PNG, JPEG) or hold all of its strips (TIFF)?"""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tags = image.tag_v2
        for offsets, counts in ((273, 279), (324, 325)):
            ends = [o + c for o, c in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)]
            if ends and max(ends) > size:
                return False
        return True
    if image.format == "PNG":
        file.seek(max(0, size - _TAIL_BYTES))
        return b"IEND" in file.read()
    file.seek(0)
    JpegImageFile(file)  # reads on to the first scan: the mark of a thumbnail, in the headers, says nothing
    return _holds_from_here(file, b"\xff\xd9")


def _holds_from_here(file: IO[bytes], mark: bytes) -> bool:
    """Anywhere, for a phone puts a film of megabytes behind its photo; no copy of the whole file is made."""
    end = b""
    while chunk := file.read(_CHUNK_BYTES):
        if mark in end + chunk:
            return True
        end = chunk[1 - len(mark) :]
    return False
