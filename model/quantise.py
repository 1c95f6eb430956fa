"""Add INT8 weights to a release: `python -m model.quantise --release DIR --data DIR`.

NNCF measures the activations on training images and then gives back to FP32 whichever layers cost accuracy, until the
mean Dice on other training images is within the limit (accuracy control). The processor is served INT8; GPUs FP32.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import nncf
import numpy as np
import openvino

from model import release as releases
from model.card import seal
from model.datasets import Sample, load
from model.inference import Segmenter, padded
from model.metrics import confusion
from model.recipes import RECIPES
from model.tasks import TASKS

MAX_DROP = 0.002
IMAGES = 40  # to measure activations on, and as many again to control the accuracy with


def quantise(release: releases.Release, samples: list[Sample]) -> openvino.Model:
    """`samples`: half of them to calibrate with, half to control."""
    prepared = {sample.name: padded(release, sample.image)[0][None] for sample in samples}
    calibration, control = samples[::2], samples[1::2]

    def inputs(sample: Sample) -> np.ndarray:
        return prepared[sample.name]

    def mean_dice(compiled: Any, items: Iterable[Sample]) -> tuple[float, list[float]]:
        judge = Segmenter(release, _Compiled(compiled))
        scores = [_dice(judge, sample) for sample in items]
        return float(np.mean(scores)), scores

    return nncf.quantize_with_accuracy_control(
        openvino.Core().read_model(str(release.weights)),
        calibration_dataset=nncf.Dataset(calibration, inputs),
        validation_dataset=nncf.Dataset(control, inputs),
        validation_fn=mean_dice,
        max_drop=MAX_DROP,
        drop_type=nncf.DropType.ABSOLUTE,
        subset_size=len(calibration),
    )


class _Compiled:
    """What NNCF compiled, as an engine."""

    name, compute = "openvino", "cpu"

    def __init__(self, compiled: Any):
        self.compiled = compiled

    def run(self, tensor: np.ndarray) -> np.ndarray:
        return self.compiled([tensor])[0]


def _dice(segmenter: Segmenter, sample: Sample) -> float:
    """Mean over the labels that the image shows."""
    task, inside = TASKS[segmenter.release.organ], sample.fov > 0
    mask = segmenter.segment(sample.image).mask
    scores = []
    for plane, label in enumerate(task.labels):
        truth = (sample.regions[..., plane] > 0) & inside
        if sample.known[plane] and truth.any():
            marked = task.region(mask, label) & inside
            scores.append(confusion(marked, truth)["dice"])
    return float(np.mean(scores)) if scores else 1.0


@click.command()
@click.option("--release", "folder", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="folder of the data sets")
def main(folder: Path, data: Path) -> None:
    """Write model-int8.xml and .bin into a release that has been exported."""
    release = releases.load(folder)
    facts = RECIPES[release.organ, release.training["recipe"]]
    samples = load(data, facts.datasets, facts.part)
    chosen = np.random.default_rng(0).permutation(len(samples))[: 2 * IMAGES]
    model = quantise(release, [samples[index] for index in chosen])
    openvino.save_model(model, str(folder / releases.INT8), compress_to_fp16=False)
    seal(folder)
    Segmenter.open(releases.load(folder), "cpu")
    size = sum((folder / releases.INT8).with_suffix(suffix).stat().st_size for suffix in (".xml", ".bin"))
    click.echo(f"{folder / releases.INT8}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
