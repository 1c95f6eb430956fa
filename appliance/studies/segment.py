"""The job that segments a study: its images one by one, the result kept in one transaction with the job's end."""

from collections.abc import Callable
from typing import Any

import sqlite_utils

from appliance.database import Database
from appliance.engines import Engines
from appliance.jobs import Job
from appliance.releases.activation import segmenter_for
from appliance.storage import Storage
from appliance.studies import services
from appliance.studies.pipeline import Processed, process
from appliance.studies.schemas import QualityOut, ReleaseOut, confidence_out, findings_out


def segment_study(
    database: Database, storage: Storage, engines: Engines, job: Job
) -> Callable[[sqlite_utils.Database], None]:
    """Do the work; returns what keeps it. Raises ImageDamaged, and whatever a release or an engine refuses."""
    order = services.order_of(database, job.subject_id)
    segmenter = segmenter_for(database, engines, order.organ)
    results: list[tuple[str, dict[str, Any]]] = []
    timings: dict[str, float] = {}
    for image in services.images_of(database, job.subject_id):
        with storage.path(image["source_sha256"]).open("rb") as file:
            processed = process(file, segmenter, job.subject_id, order)
        results.append((image["id"], _store(storage, processed)))
        for name, value in processed.timings_ms.items():
            timings[name] = round(timings.get(name, 0) + value, 1)
    release = segmenter.release
    made_by = {
        "release": ReleaseOut(release.name, release.version, release.sha256),
        "compute": segmenter.engine.compute,
        "timings_ms": timings,
    }

    def keep(db: sqlite_utils.Database) -> None:
        for image_id, values in results:
            services.keep_image_result(db, image_id, values)
        services.keep_study_result(db, job.subject_id, made_by)

    return keep


def _store(storage: Storage, processed: Processed) -> dict[str, Any]:
    """Write the pictures of a result; returns the columns of its row."""
    values: dict[str, Any] = {
        "width_px": processed.width_px,
        "height_px": processed.height_px,
        "findings": findings_out(processed.findings),
        "quality": QualityOut(processed.quality.status, list(processed.quality.reasons_zh)),
        "view_sha256": storage.write([processed.view]).sha256,
    }
    if processed.confidence is not None:
        values["confidence"] = confidence_out(processed.confidence)
    if processed.rendered is not None:
        for part in ("layer", "mask", "overlay", "confidence"):
            values[f"{part}_sha256"] = storage.write([getattr(processed.rendered, part)]).sha256
    return values
