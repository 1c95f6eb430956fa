"""Judge a release by a fixed protocol: `python -m model.evaluate --organ retina --data DIR --release DIR --json`.

The pictures go through the very code that serves users. Figures are per image, then the mean over images with a
bootstrap interval; inside the field of view that the data set gives; at the release's thresholds. A data set that
the release was trained on is judged on the patients kept apart (datasets.py); any other one as a whole.
"""

import json
from pathlib import Path

import click
import numpy as np

from model import preprocess, release
from model.card import record
from model.datasets import DATASETS, Sample, load
from model.inference import Segmenter
from model.metrics import Figures, confusion, hd95, lesionwise, ranking, summary
from model.recipes import RECIPES
from model.tasks import TASKS


def judge(segmenter: Segmenter, sample: Sample, careful: bool) -> dict[str, Figures]:
    """The figures of one image for each label that its data set marks."""
    inside = sample.fov > 0
    mask = segmenter.segment(sample.image, careful).mask
    probabilities, prepared = segmenter.probabilities(sample.image, careful)
    task, out = TASKS[segmenter.release.organ], {}
    for plane, label in enumerate(task.labels):
        truth = sample.regions[..., plane] > 0
        if not sample.known[plane] or not truth[inside].any():
            continue
        marked = mask >= label.index if task.nested else mask == label.index
        score = preprocess.restore(probabilities[plane], prepared.shape)[inside]
        figures = confusion(marked[inside], truth[inside]) | ranking(score, truth[inside])
        out[label.name] = figures | {"hd95_px": hd95(marked & inside, truth & inside)}
    return out


def judge_dataset(segmenter: Segmenter, samples: list[Sample], careful: bool) -> dict:
    """One data set: each label's means over images, over patients (pooled pixels), and each image's figures."""
    rows = [judge(segmenter, sample, careful) for sample in samples]
    labels = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        shown = [(sample, row[name]) for sample, row in zip(samples, rows, strict=True) if name in row]
        labels[name] = {"images": summary([figures for _, figures in shown])}
    return {
        "images": len(samples),
        "patients": len({sample.patient for sample in samples}),
        "labels": labels,
        "each": {s.name: _rounded(row) for s, row in zip(samples, rows, strict=True)},
    }


def pooled(segmenter: Segmenter, samples: list[Sample], careful: bool) -> dict:
    """Dice over all of a patient's pixels, and lesions found, for the liver: slices are no patients."""
    task = TASKS[segmenter.release.organ]
    sums: dict[str, dict[str, np.ndarray]] = {label.name: {} for label in task.labels}
    lesions = np.zeros(4, int)
    for sample in samples:
        mask = segmenter.segment(sample.image, careful).mask
        for plane, label in enumerate(task.labels):
            if sample.known[plane]:
                marked, truth = mask >= label.index, sample.regions[..., plane] > 0
                three = np.array([(marked & truth).sum(), marked.sum(), truth.sum()])
                sums[label.name][sample.patient] = sums[label.name].get(sample.patient, 0) + three
                if label.name == "lesion":
                    lesions += lesionwise(marked, truth)
    out: dict = {}
    for name, patients in sums.items():
        dice = [{"dice": 2 * both / (said + true)} for both, said, true in patients.values() if true]
        if dice:
            out[name] = summary(dice)
    if lesions[1]:
        found, true, right, said = map(int, lesions)
        out["lesions"] = {"true": true, "found": found, "marked": said, "right": right}
    return out


def evaluate(folder: Path, data: Path, careful: bool = False) -> dict:
    """All data sets of the release's organ below `data`."""
    opened = release.load(folder)
    segmenter = Segmenter.open(opened, "cpu")
    trained = RECIPES[opened.organ, opened.training.get("recipe", "benchmark")].datasets
    verdict: dict = {
        "release": {"name": opened.name, "version": opened.version, "sha256": opened.sha256},
        "protocol": "inside the field of view, per image then mean, 95 % bootstrap interval, thresholds "
        + ", ".join(f"{label.name} {t}" for label, t in zip(opened.labels, opened.thresholds, strict=True))
        + (", mean over mirrored pictures" if careful else ""),
        "datasets": {},
    }
    for dataset in DATASETS.values():
        if dataset.organ != opened.organ or dataset.name in ("drive-train", "drive-second"):
            continue
        seen = dataset.name in trained
        if seen and dataset.split != "fifth":
            continue
        samples = load(data, (dataset.name,), "test" if seen else "all")
        judged = judge_dataset(segmenter, samples, careful)
        if opened.organ == "liver":
            judged["pooled"] = pooled(segmenter, samples, careful)
        judged["held_out"] = "patients kept apart" if seen else "no image of this set was trained on"
        verdict["datasets"][dataset.name] = judged
    if opened.organ == "retina":
        verdict["secondObserver"] = second_observer(data)
    return verdict


def second_observer(data: Path) -> dict:
    """DRIVE's second human observer, in the same protocol."""
    first, second = (load(data, (name,)) for name in ("drive-test", "drive-second"))
    pairs = [(b.regions[a.fov > 0, 0] > 0, a.regions[a.fov > 0, 0] > 0) for a, b in zip(first, second, strict=True)]
    return summary([confusion(marked, truth) for marked, truth in pairs])


def _rounded(row: dict[str, Figures]) -> dict[str, Figures]:
    return {name: {key: round(value, 4) for key, value in figures.items()} for name, figures in row.items()}


@click.command()
@click.option("--organ", type=click.Choice(list(TASKS)), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="folder of the data sets")
@click.option("--release", "folder", type=click.Path(path_type=Path), help="default: the organ's newest")
@click.option("--careful", is_flag=True, help="the mean over mirrored pictures, as in the careful mode")
@click.option("--json", "as_json", is_flag=True, help="the whole verdict, image by image")
@click.option("--record", "keep", is_flag=True, help="keep the verdict in the release, with its CARD.md")
def main(organ: str, data: Path, folder: Path | None, careful: bool, as_json: bool, keep: bool) -> None:
    """Judge a release on patients that it never saw."""
    folder = folder or release.newest(organ)
    if folder is None:
        raise click.ClickException(f"no release for {organ}")
    verdict = evaluate(folder, data, careful)
    if keep:
        record(folder, verdict)
    if as_json:
        click.echo(json.dumps(verdict, indent=2, ensure_ascii=False))
        return
    click.echo(f"{verdict['release']['name']} {verdict['release']['version']}: {verdict['protocol']}")
    for name, judged in verdict["datasets"].items():
        for label, figures in judged["labels"].items():
            shown = "  ".join(f"{key} {value['mean']:.4f}" for key, value in figures["images"].items())
            click.echo(f"{name} {label} ({judged['images']} images, {judged['patients']} patients): {shown}")
        for label, figures in judged.get("pooled", {}).items():
            click.echo(f"{name} {label}, pooled per patient: {figures}")


if __name__ == "__main__":
    main()
