"""A release's record: its figures as they were measured, and the CARD.md that people read. Generated, never typed."""

import json
from pathlib import Path

from model import release as releases

METRICS, CARD = "metrics.json", "CARD.md"

_CARD = """# {name} {version}

**Use**: {use}, for a clinician to look at. It makes no diagnosis, grades no disease, and is no medical device.

**Weights**: `model.onnx`, SHA-256 `{sha256}`; {networks} of width {width}.

**Data**: {data} The weights are passed on for research and education under those terms; whoever sells a product
must clear them first. No image is in this folder.

**Training**: {steps} steps, the last with seed {seed}; {minutes:.0f} minutes on two shared CPU cores.{taught}
Thresholds: {thresholds}, {chosen}.

**Figures**: {protocol}.

{tables}

**Known failures**: {failures}

**Golden sample**: `golden.npz`, a phantom drawn by `model/phantom.py`; a loader refuses the release when its
mask drifts.
"""

_TAUGHT = " What a data set leaves unmarked was marked by {}, where it was sure enough, and learnt from as well."

_USE = {
    "retina": "marks the vessels of a colour fundus photo",
    "chest": "marks the lungs and the heart on a frontal chest film",
    "liver": "marks the liver, and what may be lesions in it, on a slice of an abdominal CT",
}

_DATA = {
    "drive-train": "the 20 training images of DRIVE (Staal et al. 2004; one camera; research use)",
    "stare": "20 images of STARE (Hoover et al. 2000; no licence stated in the copy used)",
    "chasedb1": "28 images of CHASE_DB1 (Owen et al. 2009; no licence stated in the copy used)",
    "jsrt": "films of JSRT (Shiraishi et al. 2000) with SCR's outlines (van Ginneken et al. 2006; research and "
    "education only, no commercial use)",
    "shenzhen": "films of Shenzhen No. 3 hospital (Jaeger et al. 2014; lung masks CC BY-NC-SA 4.0 by hearsay)",
    "lits": "volumes 0 to 10 of LiTS (Bilic et al. 2023; CC BY-NC-ND 4.0)",
    "msd": "the liver task of the Medical Segmentation Decathlon (Antonelli et al. 2022; CC BY-SA 4.0)",
}

_FAILURES = {
    "retina": "haemorrhages, exudates, laser scars and the rim of the optic disc may be marked as vessels; vessels "
    "thinner than two pixels break off. Other cameras are brought to DRIVE's scale by the width of the field of view, "
    "which a cropped photo misleads.",
    "chest": "lungs full of fluid or consolidation, and what lies behind the heart, may be left out; hearts were "
    "drawn by people on one hospital's upright films only. Children, bedside and side views were never shown to it.",
    "liver": "lesions were learnt from four people: small ones are missed, and most of what is marked is none: "
    "vessels or the gall bladder. Slices without any liver were never shown to it. Stomach, spleen and "
    "heart may be taken for liver where they touch it.",
}


def record(folder: Path, verdict: dict) -> None:
    """Write metrics.json and CARD.md into a release, and seal it again."""
    opened = releases.load(folder)
    (folder / METRICS).write_text(json.dumps(verdict, indent=2, ensure_ascii=False) + "\n", "utf-8")
    training, pairs = opened.training, zip(opened.labels, opened.thresholds, strict=True)
    steps, minutes = course(training)
    count = len(networks(training))
    text = _CARD.format(
        name=opened.name,
        version=opened.version,
        use=_USE[opened.organ],
        sha256=opened.sha256,
        data="; ".join(_DATA[name] for name in training["data"]) + ".",
        thresholds=", ".join(f"{label.name} {threshold}" for label, threshold in pairs),
        chosen=opened.metrics["thresholds"],
        protocol=verdict["protocol"],
        tables="\n\n".join(_table(name, judged, verdict) for name, judged in verdict["datasets"].items()),
        failures=_FAILURES[opened.organ],
        networks=f"the mean of {count} attention U-Nets" if count > 1 else "attention U-Net",
        steps=steps,
        minutes=minutes,
        taught=_TAUGHT.format("/".join(Path(teacher).parts[-2:])) if (teacher := training.get("teacher")) else "",
        **{key: training[key] for key in ("width", "seed")},
    )
    (folder / CARD).write_text(text, "utf-8")
    seal(folder, **{key: verdict[key] for key in ("confidence", "carefulConfidence") if key in verdict})


def read_record(folder: Path) -> dict:
    """The verdict kept in a release. Raises FileNotFoundError when it has not been judged."""
    return json.loads((folder / METRICS).read_text("utf-8"))


def networks(training: dict) -> list[dict]:
    """How each network came to be that a release answers with: its own first, then those beside it."""
    return [training, *training.get("beside", ())]


def course(training: dict) -> tuple[str, float]:
    """The steps of a training and of the runs that it began with, in words, and the minutes they took together; with
    those of the networks beside it."""
    told, seconds = [], 0
    for network in networks(training):
        parts = []
        for run in (*network.get("before", ()), network):
            at = f" at {side} px" if (side := run.get("side_px")) else ""
            half = f", {first} of them at half the size" if (first := run.get("half_steps")) else ""
            parts.append(f"{run['steps']}{at}{half}")
            seconds += run["seconds"]
        told.append(" + ".join(parts))
    return "; beside it ".join(told), seconds / 60


def seal(folder: Path, **facts: object) -> None:
    """Write the hashes of all files of a release into its release.json, and what else is known by now."""
    path = folder / releases.MANIFEST
    manifest = {**json.loads(path.read_text("utf-8")), **facts}
    names = sorted(file.name for file in folder.iterdir() if file.name != releases.MANIFEST)
    manifest["files"] = {name: releases.sha256(folder / name) for name in names}
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _table(dataset: str, judged: dict, verdict: dict) -> str:
    """One data set's figures as Markdown, a column for each label; DRIVE's with its second observer."""
    columns = {label: figures["images"] for label, figures in judged["labels"].items()}
    for label, figures in judged.get("pooled", {}).items():
        if label != "lesions":
            columns[f"{label}, pooled per patient"] = figures
    if dataset == "drive-test":
        columns["second human observer"] = verdict["secondObserver"]
    keys = list(dict.fromkeys(key for figures in columns.values() for key in figures))
    lines = [
        f"{dataset}: {judged['images']} images of {judged['patients']} patients; {judged['held_out']}.",
        "",
        f"| figure | {' | '.join(columns)} |",
        f"| --- |{' --- |' * len(columns)}",
    ]
    for key in keys:
        lines.append(f"| {key} | {' | '.join(figure(figures.get(key)) for figures in columns.values())} |")
    modes = {"careful": "careful mode", "fp32": "FP32"}
    for mode in (mode for mode in modes if mode in verdict):
        for key in ("dice", "auc"):
            there = {label: figures.get(key) for label, figures in verdict[mode][dataset].items()}
            lines.append(f"| {key}, {modes[mode]} | {' | '.join(figure(there.get(column)) for column in columns)} |")
    trust = {label: figures["confidence"]["rank_correlation"] for label, figures in judged["labels"].items()}
    told = " | ".join(f"{trust[name]:.2f}" if name in trust else "–" for name in columns)
    lines.append(f"| rank correlation of the confidence with Dice | {told} |")
    lesions = judged.get("pooled", {}).get("lesions")
    if lesions and lesions["true"]:
        lines += [
            "",
            "Lesions in slices: {found} of {true} found; {right} of {marked} marked ones are right.".format(**lesions),
        ]
    if judged["findings"]:
        lines += ["", *AGREEMENT, *(agreement_row(code, row) for code, row in judged["findings"].items())]
    return "\n".join(lines)


AGREEMENT = (
    "| finding | images | by the manual mask, mean | ours differs by, with 95 % limits of agreement | mean absolute |",
    "| --- | --- | --- | --- | --- |",
)


def agreement_row(name: str, row: dict) -> str:
    """One finding beside the manual mask's, under the heads AGREEMENT."""
    apart = "{mean:+.3f} ({low:+.3f} to {high:+.3f})".format(**row)
    return f"| {name} | {row['n']} | {row['manual']:.3f} | {apart} | {row['absolute']:.3f} |"


def figure(value: dict[str, float] | None) -> str:
    """A mean with its interval, as a table shows it."""
    return "–" if value is None else f"{value['mean']:.4f} ({value['low']:.4f} to {value['high']:.4f})"
