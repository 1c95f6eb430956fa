"""`xiangyi segment`: pictures to masks and overlays with no server and no database."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.engines import Engines
from appliance.errors import Invalid, XiangyiError
from appliance.releases.activation import segmenter_for
from appliance.settings import LimitSettings, Settings
from appliance.start import open_database
from appliance.studies import pictures, services
from appliance.studies.orders import Order
from appliance.studies.pipeline import process
from appliance.studies.schemas import confidence_out, findings_out
from model.findings import liver_volume

if TYPE_CHECKING:
    from appliance.engines import Segmenter


def segment_files(settings: Settings, order: Order, inputs: tuple[Path, ...], out: Path) -> dict[str, Any]:
    """One result for each input, in their order: a bad picture does not stop the others; and the series' findings.

    Raises Conflict when the organ has no release, Invalid when `out` cannot be written.
    """
    services.check_organ(order.organ)
    services.check_spacing(order)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"无法写入 {out}：{error.strerror}。", "out_not_writable") from error
    segmenter = _segmenter(settings, order.organ)
    names = _names(inputs)
    results = [_segment(segmenter, order, settings.limits, path, out / names[path]) for path in inputs]
    areas = [f["value"] for result in results for f in result["findings"] if f["code"] == "liver_area"]
    whole = liver_volume(areas, order.pixel_mm, order.slice_mm)
    return {"results": results, "findings": msgspec.to_builtins(findings_out(whole))}


def _segmenter(settings: Settings, organ: str) -> "Segmenter":
    """The release that the box serves; where there is no box, or none that this user may open, the newest."""
    engines = Engines(settings)
    if not os.access(settings.database_path, os.R_OK | os.W_OK):
        return engines.segmenter(organ)
    database = open_database(settings)
    try:
        return segmenter_for(database, engines, organ)
    finally:
        database.close()


def _names(inputs: tuple[Path, ...]) -> dict[Path, str]:
    """A result's name for each input; two of the same stem in different folders must not share one."""
    stems = [path.stem for path in inputs]
    return {
        path: path.stem
        if stems.count(path.stem) == 1
        else f"{path.stem}-{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
        for path in inputs
    }


def _segment(segmenter: "Segmenter", order: Order, limits: LimitSettings, path: Path, target: Path) -> dict[str, Any]:
    release = segmenter.release
    result: dict[str, Any] = {
        "input": str(path),
        "status": "failed",
        "maskPath": None,
        "overlayPath": None,
        "confidencePath": None,
        "findings": [],
        "quality": {"status": None, "reasonsZh": []},
        "confidence": None,
        "release": {"name": release.name, "version": release.version, "sha256": release.sha256},
    }
    try:
        with path.open("rb") as file:
            pictures.inspect(file, limits.upload_bytes, limits.pixels)
            processed = process(file, segmenter, path.stem, order)
    except XiangyiError as error:
        return {**result, "error": {"code": error.code, "message": error.message}}
    except OSError as error:
        return {**result, "error": {"code": "file_unreadable", "message": f"无法读取：{error.strerror}。"}}
    result["quality"] = {"status": processed.quality.status, "reasonsZh": list(processed.quality.reasons_zh)}
    if processed.rendered is None:
        return {**result, "status": "refused"}
    written = {}
    for part, name in (("mask", "mask.png"), ("overlay", "overlay.jpg"), ("confidence", "confidence.png")):
        path = target.with_name(f"{target.name}-{name}")
        path.write_bytes(getattr(processed.rendered, part))
        written[f"{part}Path"] = str(path)
    told = {
        "findings": msgspec.to_builtins(findings_out(processed.findings)),
        "confidence": msgspec.to_builtins(confidence_out(processed.confidence)) if processed.confidence else None,
    }
    return {**result, "status": "ok", **written, **told}
