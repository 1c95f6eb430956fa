"""One picture from file to result: decode, judge, segment, measure, render. For the worker and the command line."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from appliance.studies import pictures
from appliance.studies.orders import Order
from appliance.studies.render import Rendered, encode_view, render
from model.confidence import Confidence
from model.findings import Finding, measure
from model.preprocess import field_of_view
from model.quality import Quality, judge, judge_mask

if TYPE_CHECKING:
    from appliance.engines import Segmenter


@dataclass(frozen=True)
class Processed:
    """What became of a picture. A refused one has a view and nothing else. Sizes are upright, in pixels."""

    width_px: int
    height_px: int
    quality: Quality
    findings: list[Finding]
    confidence: Confidence | None
    view: bytes
    rendered: Rendered | None
    timings_ms: dict[str, float] = field(default_factory=dict)


def process(file: IO[bytes], segmenter: "Segmenter", produce_id: str, order: Order) -> Processed:
    """Do with one picture what was ordered; the careful mode takes several times the work.

    Raises ImageDamaged when the picture cannot be decoded.
    """
    timings: dict[str, float] = {}
    with _timed(timings, "decode"):
        image = pictures.decode(file)
    height, width = image.shape[:2]
    with _timed(timings, "judge"):
        quality = judge(segmenter.release.organ, image, field_of_view(image))
    if quality.status == "refused":
        return Processed(width, height, quality, [], None, encode_view(image), None, timings)
    with _timed(timings, "segment"):
        result = segmenter.segment(image, order.careful)
    with _timed(timings, "measure"):
        quality = judge_mask(quality, segmenter.release.organ, result.mask)
        findings = measure(segmenter.release.organ, result.mask, result.fov, order.pixel_mm)
    with _timed(timings, "render"):
        rendered = render(image, result, findings, segmenter.release.labels, produce_id, order.sample)
    return Processed(width, height, quality, findings, result.confidence, rendered.view, rendered, timings)


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[name] = round(1000 * (time.perf_counter() - started), 1)
