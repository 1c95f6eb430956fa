"""Does the attention gate help? `python -m model.crossval --organ chest --data DIR --work DIR`, resumed fold by fold.

The attention U-Net and the plain one are trained on the same folds of the field recipe's patients, with the same
seeds and steps, and judged on the patients that they did not see. Each further seed is another split into folds and
other first weights (repeated k-fold); a patient's Dice is the mean over them, for what chance gives one training is
as large as what a gate does. The record, in crossval/, is kept in the repository: it holds each patient's Dice
at each threshold, from which come the paired difference, the releases' thresholds (never chosen on a test set), and
what the field release may expect on eyes it never saw.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from model.data import predict
from model.datasets import Sample, fold, load
from model.metrics import bootstrap
from model.preprocess import together
from model.recipes import Recipe
from model.tasks import TASKS
from model.train import TrainConfig, refuse_views_of_fundus, train

RECORDS = Path(__file__).parent / "crossval"
THRESHOLDS = tuple(round(0.2 + 0.04 * step, 2) for step in range(16))
ARMS = {"attention": True, "plain": False}

# Patient → label → mean Dice over the patient's images at each of THRESHOLDS.
Scores = dict[str, dict[str, list[float]]]


def score(networks: list[tuple[TrainConfig, torch.nn.Module]], held_out: list[Sample]) -> Scores:
    """Judge a network, or the mean of several that were trained for one organ, on held-out images, inside the field of
    view, for each label that an image shows."""
    rows = dict[str, dict[str, list[np.ndarray]]]()
    for sample in held_out:
        inside = sample.fov > 0
        probabilities = np.mean([_predicted(network, sample, config.facts) for config, network in networks], 0)[inside]
        for plane, label in enumerate(TASKS[networks[0][0].organ].labels):
            truth = sample.regions[inside][:, plane] > 0
            if sample.known[plane] and truth.any():
                dice = dice_at(probabilities[:, plane], truth)
                rows.setdefault(sample.patient, {}).setdefault(label.name, []).append(dice)
    return {
        patient: {name: [round(float(v), 4) for v in np.mean(dice, axis=0)] for name, dice in labels.items()}
        for patient, labels in rows.items()
    }


def _predicted(network: torch.nn.Module, sample: Sample, facts: Recipe) -> np.ndarray:
    return predict(network.eval(), sample, facts.preprocess, 2 ** (facts.depth - 1))


def dice_at(probability: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Dice at each of THRESHOLDS; `probability` float (pixels,), `truth` bool (pixels,)."""
    marked = [probability >= threshold for threshold in THRESHOLDS]
    return np.array([2 * (m & truth).sum() / (m.sum() + truth.sum()) for m in marked])


def best_thresholds(record: dict, datasets: tuple[str, ...], arm: str = "attention") -> dict[str, float]:
    """For each label the threshold with the best mean Dice over held-out patients of `datasets`."""
    best = {}
    for label, by_patient in _by_label(record, arm).items():
        rows = [dice for patient, dice in by_patient.items() if patient.split("/")[0] in datasets]
        if rows:
            best[label] = THRESHOLDS[int(np.mean(rows, axis=0).argmax())]
    return best


def thresholds_for(config: TrainConfig, before: int = 0) -> dict[str, float]:
    """What the record of the same recipe's folds chose, when they saw pictures the same way and were trained at least
    half as long, with the steps `before` that run; else nothing: another recipe's networks saw other observers, who
    mark more or less, and one trained shortly is unsure of itself and does better with a higher threshold."""
    try:
        record = read(record_path(config.organ, config.side_px, config.clahe))
    except FileNotFoundError:
        return {}
    settings = record["settings"]
    seen_alike = record["preprocess"] == config.facts.preprocess.to_dict()
    alike = seen_alike and settings["recipe"] == config.recipe and 2 * settings["steps"] >= before + config.steps
    return best_thresholds(record, config.facts.datasets) if alike else {}


def compare(record: dict) -> dict:
    """For each label: both arms' mean Dice over patients, each at its own best threshold, and their paired difference.

    The interval is a bootstrap over patients: the two networks of a fold are judged on the same ones.
    """
    verdict = {}
    arms = {arm: _by_label(record, arm) for arm in ARMS}
    for label, attention in arms["attention"].items():
        patients = sorted(attention)
        best: dict[str, np.ndarray] = {}
        for arm in ARMS:
            rows = np.array([arms[arm][label][patient] for patient in patients])
            best[arm] = rows[:, rows.mean(axis=0).argmax()]
        verdict[label] = {
            "patients": len(patients),
            **{arm: bootstrap(values) for arm, values in best.items()},
            "difference": bootstrap(best["attention"] - best["plain"]),
            "better": int((best["attention"] > best["plain"]).sum()),
            "datasets": _per_dataset(patients, best["attention"]),
        }
    return verdict


def _per_dataset(patients: list[str], dice: np.ndarray) -> dict:
    names = np.array([patient.split("/")[0] for patient in patients])
    return {str(name): bootstrap(dice[names == name]) for name in np.unique(names)}


def paired(record: dict) -> list[dict]:
    """The folds of all seeds that have both arms: arm → what it was judged at."""
    judged = [fold for folds in record["seeds"].values() for fold in folds.values()]
    return [fold for fold in judged if all(arm in fold for arm in ARMS)]


def _by_label(record: dict, arm: str) -> dict[str, dict[str, np.ndarray]]:
    """Label → patient → Dice at each threshold, the mean over the seeds."""
    found: dict[str, dict[str, list[list[float]]]] = {}
    for judged in paired(record):
        for patient, labels in judged[arm]["patients"].items():
            for label, dice in labels.items():
                found.setdefault(label, {}).setdefault(patient, []).append(dice)
    return {label: {name: np.mean(dice, axis=0) for name, dice in rows.items()} for label, rows in found.items()}


def record_path(organ: str, side_px: int = 0, clahe: float = 0.0, both: bool = False) -> Path:
    """Where the record of an organ's folds is kept: by themselves those seen at another size than the recipe's, those
    seen through CLAHE, and those of the mean of `both` views."""
    view = "-both" if both else "-clahe" if clahe else ""
    return RECORDS / (organ + view + (f"-{side_px}px" if side_px else "") + ".json")


def read(path: Path) -> dict:
    """A record. Raises FileNotFoundError when there is none."""
    return json.loads(path.read_text("utf-8"))


def run(config: TrainConfig, data: Path, work: Path, path: Path, both: bool = False) -> dict:
    """Train and judge with `config`'s seed what the record at `path` does not hold yet; it is written after each
    training, and keeps what it holds of other seeds. With `both`, a network with the recipe's own view is trained
    beside each one with `config.clahe`, and their mean is judged, as `export --beside` serves it. What `work` holds is
    not trained again. Raises ClickException when the record was made with other settings."""
    settings = {key: value for key, value in asdict(config).items() if key not in ("seed", "fold", "attention")}
    views = [replace(config, clahe=0.0), config] if both else [config]
    seen = together([view.facts.preprocess for view in views]).to_dict()
    record: dict = {"settings": settings, "preprocess": seen, "thresholds": list(THRESHOLDS), "seeds": {}}
    if path.exists():
        record = read(path)
        if TrainConfig.from_dict(record["settings"]) != TrainConfig(**settings) or record["preprocess"] != seen:
            told = {**record["settings"], **record["preprocess"]}
            raise click.ClickException(f"{path} was made with other settings: {told}")
    samples = load(data, config.facts.datasets, config.facts.part)
    folds = record["seeds"].setdefault(str(config.seed), {})
    for index in range(config.folds):
        judged = folds.setdefault(str(index), {})
        for arm, attention in ARMS.items():
            if arm in judged:
                continue
            networks, seconds = [], 0.0
            for own in (replace(view, fold=index, attention=attention) for view in views):
                kept = record_path(own.organ, own.side_px, own.clahe).stem
                trained = train(own, data, work / f"{kept}-{arm}-{own.seed}-{index}")
                networks.append((own, trained.average.module))
                seconds += trained.seconds
            _, held_out = fold(samples, index, config.folds, config.seed)
            judged[arm] = {"seconds": round(seconds), "patients": score(networks, held_out)}
            record["summary"] = compare(record)
            path.parent.mkdir(exist_ok=True)
            path.with_suffix(".new").write_text(_compact(record), "utf-8")
            path.with_suffix(".new").rename(path)
    return record


def _compact(record: dict) -> str:
    """JSON with each patient on a line of its own."""
    text = json.dumps(record, indent=1)
    lines, joined, depth = [], "", 0
    for line in text.split("\n"):
        depth += line.count("[") - line.count("]")
        joined += line if not joined else line.strip() + " " * line.endswith(",")
        if depth == 0:
            lines.append(joined)
            joined = ""
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--organ", type=click.Choice(list(TASKS)), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="folder of the data sets")
@click.option("--work", type=click.Path(path_type=Path), required=True, help="folder for the checkpoints")
@click.option("--steps", default=300, show_default=True, help="of each training")
@click.option("--folds", default=TrainConfig.folds, show_default=True)
@click.option("--seed", default=TrainConfig.seed, show_default=True, help="of one repetition; the record keeps others")
@click.option("--side-px", default=TrainConfig.side_px, help="see films and slices at this size, 0 for the recipe's")
@click.option("--half-steps", default=TrainConfig.half_steps, help="so many of the first steps at half that size")
@click.option("--clahe", default=TrainConfig.clahe, help="see films and slices through CLAHE with this clip limit")
@click.option("--both", is_flag=True, help="judge the mean of a network seeing so and of one with the recipe's view")
def main(organ: str, data: Path, work: Path, both: bool, **settings: Any) -> None:
    """Cross-validate the attention U-Net against the plain one."""
    refuse_views_of_fundus(organ, settings)
    if both and not settings["clahe"]:
        raise click.ClickException("--both takes the mean over two views: give --clahe as well")
    config = TrainConfig(organ=organ, recipe="field", **settings)
    record = run(config, data, work, record_path(organ, config.side_px, config.clahe, both), both)
    for label, figures in record["summary"].items():
        for row in (*ARMS, "difference"):
            click.echo("{:8} {:10} {mean:+.4f} ({low:+.4f} to {high:+.4f})".format(label, row, **figures[row]))


if __name__ == "__main__":
    main()
