"""From a mask to the pictures that people see: overlay to keep, view and layer for the page, mask for programs."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from appliance.studies import ai_label
from model.findings import Finding
from model.tasks import Label

if TYPE_CHECKING:
    from appliance.engines import Segmentation

VIEW_PX = 2048  # the longer side of what a page shows
OPACITY = 0.6
STROKE_RGB = (255, 255, 255)
DOUBT_RGB = (255, 176, 32)


@dataclass(frozen=True)
class Drawn:
    """A mask as encoded pictures. `mask` PNG of label indices and `overlay` JPEG have the upload's size, upright;
    `layer` PNG (transparent) is at most VIEW_PX long."""

    layer: bytes
    mask: bytes
    overlay: bytes


@dataclass(frozen=True)
class Rendered(Drawn):
    """With what only the model's own answer has: `view` JPEG and `confidence` PNG (transparent), at most VIEW_PX long.
    `confidence` is amber where the answer is in doubt: its alpha is 255 on a threshold, 0 where it is certain."""

    view: bytes
    confidence: bytes


def render(
    image: np.ndarray,
    result: "Segmentation",
    findings: list[Finding],
    labels: tuple[Label, ...],
    produce_id: str,
    sample: bool = False,
) -> Rendered:
    """`image` uint8 (H, W, 3) RGB, and what became of it; a `sample` says on the overlay that it is no patient's."""
    drawn = draw(image, result.mask, findings, labels, produce_id, sample)
    return Rendered(
        layer=drawn.layer,
        mask=drawn.mask,
        overlay=drawn.overlay,
        view=encode_view(image),
        confidence=_confidence(result.sure, result.mask.shape, produce_id),
    )


def draw(
    image: np.ndarray,
    mask: np.ndarray,
    findings: list[Finding],
    labels: tuple[Label, ...],
    produce_id: str,
    sample: bool = False,
) -> Drawn:
    """The pictures of a mask uint8 (H, W), the model's or a person's."""
    return Drawn(
        layer=_layer(mask, labels, produce_id),
        mask=_png(Image.fromarray(mask), produce_id),
        overlay=_jpeg(_overlay(image, mask, findings, labels, sample), xmp=ai_label.metadata(produce_id)),
    )


def encode_view(image: np.ndarray) -> bytes:
    """The picture as a page shows it, JPEG."""
    size = _view_size(image.shape)
    small = image if size == image.shape[1::-1] else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return _jpeg(Image.fromarray(small))


def _overlay(
    image: np.ndarray, mask: np.ndarray, findings: list[Finding], labels: tuple[Label, ...], sample: bool
) -> Image.Image:
    blended = image.copy()
    for label in labels:
        inside = mask == label.index
        tint = np.array(label.rgb, np.float32) * OPACITY
        blended[inside] = (image[inside] * (1 - OPACITY) + tint).astype(np.uint8)
    thickness = max(1, round(max(mask.shape) / 400))
    for stroke in (stroke for finding in findings for stroke in finding.strokes):
        points = np.array([[round(x * 16), round(y * 16)] for x, y in stroke.points], np.int32)
        cv2.polylines(blended, [points], stroke.closed, STROKE_RGB, thickness, cv2.LINE_AA, shift=4)
    picture = Image.fromarray(blended)
    ai_label.draw_label(picture)
    if sample:
        ai_label.draw_sample(picture)
    return picture


def _layer(mask: np.ndarray, labels: tuple[Label, ...], produce_id: str) -> bytes:
    """Transparent where there is no label; a thin vessel that shrinks turns fainter instead of vanishing."""
    width, height = _view_size(mask.shape)
    layer = np.zeros((height, width, 4), np.uint8)
    for label in labels:
        cover = (mask == label.index).astype(np.uint8) * 255
        cover = cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA)
        stronger = cover > layer[..., 3]
        layer[stronger, :3] = label.rgb
        layer[stronger, 3] = cover[stronger]
    return _png(Image.fromarray(layer), produce_id)


def _confidence(sure: np.ndarray, shape: tuple[int, ...], produce_id: str) -> bytes:
    """`sure` uint8 (h, w) at the network's scale, shown at the view's."""
    width, height = _view_size(shape)
    layer = np.empty((height, width, 4), np.uint8)
    layer[..., :3] = DOUBT_RGB
    layer[..., 3] = 255 - cv2.resize(sure, (width, height), interpolation=cv2.INTER_LINEAR)
    return _png(Image.fromarray(layer), produce_id)


def _view_size(shape: tuple[int, ...]) -> tuple[int, int]:
    """(width, height) of the view of a picture of that (height, width)."""
    ratio = min(1.0, VIEW_PX / max(shape[:2]))
    return max(1, round(shape[1] * ratio)), max(1, round(shape[0] * ratio))


def _png(picture: Image.Image, produce_id: str) -> bytes:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", ai_label.metadata(produce_id).decode())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=info, compress_level=4)
    return buffer.getvalue()


def _jpeg(picture: Image.Image, **extra: bytes) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92, subsampling=0, **extra)
    return buffer.getvalue()
