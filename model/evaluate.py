"""Judge a release by a fixed protocol: `python -m model.evaluate --organ retina --data DIR --release DIR --json`.

The pictures go through the very code that serves users. Figures are per image, then the mean over images with a
bootstrap interval; inside the field of view that the data set gives; at the release's thresholds. A data set that
the release was trained on is judged on the patients kept apart (datasets.py); any other one as a whole.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from scipy.stats import spearmanr

from model import preprocess, release
from model.card import record
from model.confidence import cutoffs
from model.datasets import DATASETS, Sample, labels_of, load
from model.findings import measure
from model.inference import Segmenter
from model.metrics import Figures, confusion, hd95, lesionwise, ranking, summary
from model.recipes import RECIPES
from model.tasks import TASKS


@dataclass(frozen=True)
class Judged:
    """One image: each shown label's `figures`; each known label's pixels (`both`, `said`, `true`); `lesions` as
    metrics.lesionwise counts them; what the release `expected` of its own Dice; what it `measured`: each finding's
    value, and the same finding's by the manual mask."""

    sample: Sample
    figures: dict[str, Figures]
    pixels: dict[str, np.ndarray]
    lesions: np.ndarray
    expected: dict[str, float]
    measured: dict[str, tuple[float, float]]


def judge(segmenter: Segmenter, sample: Sample, careful: bool) -> Judged:
    """Segment one image and compare, inside its field of view."""
    inside = sample.fov > 0
    probabilities, prepared = segmenter.probabilities(sample.image, careful)
    answer = segmenter.decide(probabilities, prepared, careful)
    task = TASKS[segmenter.release.organ]
    figures, pixels, lesions = {}, {}, np.zeros(4, int)
    for plane, label in enumerate(task.labels):
        if not sample.known[plane]:
            continue
        truth = (sample.regions[..., plane] > 0) & inside
        marked = task.region(answer.mask, label) & inside
        pixels[label.name] = np.array([(marked & truth).sum(), marked.sum(), truth.sum()])
        if label.name == "lesion":
            lesions = np.array(lesionwise(marked, truth))
        if truth.any():
            score = preprocess.restore(probabilities[plane], prepared.shape)[inside]
            shown = confusion(marked[inside], truth[inside]) | ranking(score, truth[inside])
            figures[label.name] = shown | {"hd95_px": hd95(marked, truth)}
    measured = both_ways(answer.mask, sample, prepared.fov) if all(sample.known) else {}
    return Judged(sample, figures, pixels, lesions, answer.confidence.expected_dice, measured)


def both_ways(mask: np.ndarray, sample: Sample, fov: np.ndarray) -> dict[str, tuple[float, float]]:
    """Finding → its value by `mask`, and by the manual one; what only one of them shows is left out."""
    organ = DATASETS[sample.dataset].organ
    ours, manual = ({found.code: found.value for found in measure(organ, m, fov)} for m in (mask, labels_of(sample)))
    return {code: (value, manual[code]) for code, value in ours.items() if code in manual}


def judge_dataset(rows: list[Judged], pool: bool) -> dict:
    """One data set: each label's means over images; with `pool`, also over patients; and each image's figures."""
    labels = {}
    for name in dict.fromkeys(name for row in rows for name in row.figures):
        shown = [row for row in rows if name in row.figures]
        labels[name] = {"images": summary([row.figures[name] for row in shown]), "confidence": trust(shown, name)}
    return {
        "images": len(rows),
        "patients": len({row.sample.patient for row in rows}),
        "labels": labels,
        **({"pooled": pooled(rows)} if pool else {}),
        "findings": agreement(rows),
        "each": {row.sample.name: _rounded(row.figures) for row in rows},
    }


def agreement(rows: list[Judged]) -> dict:
    """Finding → by how much it differs from the manual mask's: mean, and limits of agreement (Bland and Altman 1986),
    within which 95 % of differences lie were they normal."""
    codes = dict.fromkeys(code for row in rows for code in row.measured)
    out = {}
    for code in codes:
        ours, manual = np.array([row.measured[code] for row in rows if code in row.measured]).T
        apart = ours - manual
        mean, reach = float(apart.mean()), 1.96 * float(apart.std(ddof=1)) if len(apart) > 1 else float("nan")
        limits = {"mean": mean, "low": mean - reach, "high": mean + reach}
        out[code] = {key: round(value, 4) for key, value in limits.items()} | {
            "absolute": round(float(np.abs(apart).mean()), 4),
            "manual": round(float(manual.mean()), 4),
            "n": len(apart),
        }
    return out


def trust(rows: list[Judged], label: str) -> dict:
    """Does the release know when it is wrong? Rank correlation of the Dice it expects with the one it has."""
    pairs = [(row.expected[label], row.figures[label]["dice"]) for row in rows if label in row.expected]
    if not pairs:  # not one of them is marked
        return {"n": 0, "rank_correlation": float("nan"), "mean_error": float("nan")}
    expected, real = (np.array(values) for values in zip(*pairs, strict=True))
    rank = float(spearmanr(expected, real).statistic) if len(pairs) > 2 else float("nan")
    return {
        "n": len(pairs),
        "rank_correlation": round(rank, 3),
        "mean_error": round(float((expected - real).mean()), 4),
    }


def pooled(rows: list[Judged]) -> dict:
    """Dice over all of a patient's pixels, and lesions found, for the liver: slices are no patients."""
    sums: dict[str, dict[str, np.ndarray]] = {}
    for row in rows:
        for name, pixels in row.pixels.items():
            patients = sums.setdefault(name, {})
            patients[row.sample.patient] = patients.get(row.sample.patient, 0) + pixels
    out: dict = {}
    for name, patients in sums.items():
        dice = [{"dice": 2 * both / (said + true)} for both, said, true in patients.values() if true]
        if dice:
            out[name] = summary(dice)
    found, true, right, said = (int(n) for n in np.sum([row.lesions for row in rows], axis=0))
    return out | {"lesions": {"true": true, "found": found, "marked": said, "right": right}}


def evaluate(folder: Path, data: Path, careful: bool = False, int8: bool = True) -> dict:
    """All data sets of the release's organ below `data`, on the processor; `int8` False judges FP32."""
    opened = release.load(folder)
    segmenter = Segmenter.open(opened, "cpu", int8=int8)
    trained = RECIPES[opened.organ, opened.training.get("recipe", "benchmark")].datasets
    verdict: dict = {
        "release": {"name": opened.name, "version": opened.version, "sha256": opened.sha256},
        "protocol": "inside the field of view, per image then mean, 95 % bootstrap interval, thresholds "
        + ", ".join(f"{label.name} {t}" for label, t in zip(opened.labels, opened.thresholds, strict=True))
        + (", INT8" if opened.int8 and int8 else ", FP32")
        + (", mean over mirrored pictures" if careful else ""),
        "datasets": {},
    }
    expected: dict[str, list[float]] = {}
    for dataset in DATASETS.values():
        if dataset.organ != opened.organ or dataset.name in ("drive-train", "drive-second"):
            continue
        seen = dataset.name in trained
        if seen and dataset.split != "fifth":
            continue
        samples = load(data, (dataset.name,), "test" if seen else "all")
        rows = [judge(segmenter, sample, careful) for sample in samples]
        for row in rows:
            for label, value in row.expected.items():
                expected.setdefault(label, []).append(value)
        judged = judge_dataset(rows, pool=opened.organ == "liver")
        judged["held_out"] = "patients kept apart" if seen else "no image of this set was trained on"
        verdict["datasets"][dataset.name] = judged
    verdict["confidence"] = {label: cutoffs(values) for label, values in expected.items()}
    if opened.organ == "retina":
        verdict["secondObserver"] = second_observer(data)
    return verdict


def briefly(verdict: dict) -> dict:
    """Dataset → label → Dice and AUC alone."""
    return {
        dataset: {
            label: {key: figures["images"][key] for key in ("dice", "auc")}
            for label, figures in judged["labels"].items()
        }
        for dataset, judged in verdict["datasets"].items()
    }


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
@click.option("--fp32", is_flag=True, help="FP32 weights, where the processor would be served INT8")
@click.option("--json", "as_json", is_flag=True, help="the whole verdict, image by image")
@click.option("--record", "keep", is_flag=True, help="keep the verdict in the release, with its CARD.md")
def main(organ: str, data: Path, folder: Path | None, careful: bool, fp32: bool, as_json: bool, keep: bool) -> None:
    """Judge a release on patients that it never saw."""
    folder = folder or release.newest(organ)
    if folder is None:
        raise click.ClickException(f"no release for {organ}")
    verdict = evaluate(folder, data, careful, int8=not fp32)
    if keep:
        if careful or fp32:
            raise click.ClickException("the record holds the careful mode's and FP32's figures by itself")
        if release.load(folder).flips:
            careful_verdict = evaluate(folder, data, careful=True)
            verdict |= {"careful": briefly(careful_verdict), "carefulConfidence": careful_verdict["confidence"]}
        verdict["fp32"] = briefly(evaluate(folder, data, int8=False))
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
