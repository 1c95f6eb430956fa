"""A release's record: its figures as they were measured, and the CARD.md that people read. Generated, never typed."""

import json
from pathlib import Path

from model import release as releases

METRICS, CARD = "metrics.json", "CARD.md"

_CARD = """# {name} {version}

**Use**: marks the vessels of a colour fundus photo, for a clinician to look at. It makes no diagnosis, grades
no disease, and is no medical device.

**Weights**: `model.onnx`, SHA-256 `{sha256}`; attention U-Net, width {width}, depth {depth}.

**Data**: the 20 training images of DRIVE (Staal et al. 2004), one eye each of 20 people, one camera (Canon
CR5, 45°), 565 × 584 pixels. DRIVE is given out for research; the copy used states no licence of its own. The
weights are passed on for research and education under those terms; whoever sells a product must clear them
first. No image is in this folder.

**Training**: {steps} steps of {batch} patches of {patch} × {patch} pixels, seed {seed}, {seconds} s on two
shared CPU cores. The threshold {threshold} was chosen on {held} training images held out by a run of its own
({fold_seconds} s); the test set was not looked at for any choice.

**Figures**: {dataset}; {protocol}.

| figure | this release | second human observer |
| --- | --- | --- |
{rows}

**Known failures**: trained on one camera and mostly healthy eyes. Haemorrhages, exudates, laser scars and the
rim of the optic disc may be marked as vessels; vessels thinner than two pixels break off. Photos of a screen
or of paper were never shown to it. Other cameras are brought to DRIVE's scale by the width of the field of
view, which a cropped photo misleads.

**Golden sample**: `golden.npz`, a phantom drawn by `model/phantom.py`; a loader refuses the release when its
mask drifts.
"""


def record(folder: Path, verdict: dict) -> None:
    """Write metrics.json and CARD.md into a release, and seal it again."""
    (folder / METRICS).write_text(json.dumps(verdict, indent=2, ensure_ascii=False) + "\n", "utf-8")
    opened = releases.load(folder)
    judged, training = opened.metrics["drive_training_fold"], opened.training
    human = verdict["secondObserver"]
    rows = [f"| {key} | {value:.4f} | {_figure(human.get(key))} |" for key, value in verdict["mean"].items()]
    text = _CARD.format(
        name=opened.name,
        version=opened.version,
        sha256=opened.sha256,
        threshold=opened.threshold,
        held=len(judged["images"]),
        fold_seconds=judged["seconds"],
        dataset=verdict["dataset"],
        protocol=verdict["protocol"],
        rows="\n".join(rows),
        **{key: training[key] for key in ("width", "depth", "steps", "batch", "patch", "seed", "seconds")},
    )
    (folder / CARD).write_text(text, "utf-8")
    seal(folder)


def seal(folder: Path) -> None:
    """Write the hashes of all files of a release into its release.json."""
    path = folder / releases.MANIFEST
    manifest = json.loads(path.read_text("utf-8"))
    names = sorted(file.name for file in folder.iterdir() if file.name != releases.MANIFEST)
    manifest["files"] = {name: releases.sha256(folder / name) for name in names}
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
