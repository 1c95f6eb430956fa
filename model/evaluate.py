"""Judge a release by a fixed protocol: `python -m model.evaluate --organ retina --data DIR --release DIR --json`.

The pictures go through the very code that serves users. Figures are per image, then the mean; inside the field
of view that the data set gives; at the release's threshold, which was chosen on training folds.
"""

import json
from pathlib import Path

import click
import numpy as np
from sklearn.metrics import roc_auc_score

from model import preprocess, release
from model.card import record
from model.data import Sample, load_drive
from model.inference import Segmenter


def confusion(marked: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Figures of one image from two boolean arrays of the same shape."""
    tp, fp = float((marked & truth).sum()), float((marked & ~truth).sum())
    fn, tn = float((~marked & truth).sum()), float((~marked & ~truth).sum())
    total = tp + fp + fn + tn
    accuracy = (tp + tn) / total
    chance = ((tp + fp) * (tp + fn) + (fn + tn) * (fp + tn)) / total**2
    iou, iou_background = tp / max(1, tp + fp + fn), tn / max(1, tn + fp + fn)
    return {
        "f1": 2 * tp / max(1, 2 * tp + fp + fn),
        "iou": iou,
        "miou": (iou + iou_background) / 2,
        "accuracy": accuracy,
        "kappa": (accuracy - chance) / (1 - chance) if chance < 1 else 0.0,
        "sensitivity": tp / max(1, tp + fn),
        "specificity": tn / max(1, tn + fp),
    }


def judge(segmenter: Segmenter, sample: Sample) -> dict[str, float]:
    """Figures of one image, inside its field of view."""
    inside = sample.fov > 0
    truth = sample.labels[inside] > 0
    mask = segmenter.segment(sample.image).mask
    probabilities, prepared = segmenter.probabilities(sample.image)
    score = preprocess.restore(probabilities[1], prepared.shape)[inside]
    return {**confusion(mask[inside] > 0, truth), "auc": float(roc_auc_score(truth, score))}


def mean(rows: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each figure over the images."""
    return {key: round(float(np.mean([row[key] for row in rows])), 4) for key in rows[0]}


def evaluate(folder: Path, data: Path) -> dict:
    """DRIVE's official test set, with the second human observer in the same protocol."""
    opened = release.load(folder)
    segmenter = Segmenter.open(opened, "cpu")
    samples = load_drive(data, "test")
    second = load_drive(data, "test", observer="2nd_manual")
    rows = [judge(segmenter, sample) for sample in samples]
    human = [confusion(b.labels[a.fov > 0] > 0, a.labels[a.fov > 0] > 0) for a, b in zip(samples, second, strict=True)]
    return {
        "release": {"name": opened.name, "version": opened.version, "sha256": opened.sha256},
        "dataset": "DRIVE official test, 20 images",
        "protocol": f"inside the field of view, per image then mean, threshold {opened.threshold}",
        "mean": mean(rows),
        "secondObserver": mean(human),
        "images": {s.name: {k: round(v, 4) for k, v in row.items()} for s, row in zip(samples, rows, strict=True)},
    }


@click.command()
@click.option("--organ", type=click.Choice(["retina"]), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="folder that holds drive/")
@click.option("--release", "folder", type=click.Path(path_type=Path), help="default: the organ's newest")
@click.option("--json", "as_json", is_flag=True, help="the whole verdict, image by image")
@click.option("--record", "keep", is_flag=True, help="keep the verdict in the release, with its CARD.md")
def main(organ: str, data: Path, folder: Path | None, as_json: bool, keep: bool) -> None:
    """Judge a release on the official test images."""
    folder = folder or release.newest(organ)
    if folder is None:
        raise click.ClickException(f"no release for {organ}")
    verdict = evaluate(folder, data)
    if keep:
        record(folder, verdict)
    if as_json:
        click.echo(json.dumps(verdict, indent=2, ensure_ascii=False))
        return
    click.echo(f"{verdict['release']['name']} {verdict['release']['version']} · {verdict['dataset']}")
    for key, value in verdict["mean"].items():
        human = verdict["secondObserver"].get(key)
        click.echo(f"{key:12} {value:.4f}   second observer {'–' if human is None else f'{human:.4f}'}")


if __name__ == "__main__":
    main()
