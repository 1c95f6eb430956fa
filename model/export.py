"""Make a release from a checkpoint: `python -m model.export --checkpoint FILE --version 1.0.0`.

With several checkpoints of one organ the release answers with the mean of their networks, which may each look at the
picture in a way of their own.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
import torch
from torch import nn

from model import crossval
from model import release as releases
from model.card import seal
from model.inference import OpenVinoEngine, Segmenter
from model.network import UNet
from model.phantom import phantom
from model.preprocess import together
from model.tasks import TASKS
from model.train import TrainConfig, averaged


class Probabilities(nn.Module):
    """Networks with their sigmoid, so that each engine returns probabilities: the mean of those of each network, given
    its own `planes` of the input."""

    def __init__(self, networks: list[UNet], planes: list[list[int]]):
        super().__init__()
        self.networks, total = nn.ModuleList(networks), 1 + max(map(max, planes))
        self.planes = [each if len(each) < total else None for each in planes]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        seen = [image if planes is None else image[:, planes] for planes in self.planes]
        each = [torch.sigmoid(network(view)[0]) for network, view in zip(self.networks, seen, strict=True)]
        return torch.stack(each).mean(0) if len(each) > 1 else each[0]


def load_checkpoint(path: Path) -> tuple[TrainConfig, UNet, dict]:
    """(config, averaged network in evaluation mode, whole state) of a checkpoint."""
    state = torch.load(path, weights_only=True)
    config = TrainConfig.from_dict(state["config"])
    network = UNet(config.network)
    network.load_state_dict(averaged(state))
    return config, network.eval(), state


def runs_before(config: TrainConfig) -> list[dict]:
    """Settings and seconds of the runs whose weights this one began with, the first one first."""
    if not config.start:
        return []
    state = torch.load(config.start, weights_only=True)
    earlier = TrainConfig.from_dict(state["config"])
    return [*runs_before(earlier), {**asdict(earlier), "seconds": round(state["seconds"])}]


def training_record(config: TrainConfig, state: dict) -> dict:
    """How a checkpoint came to be, as its release keeps it."""
    return {
        **asdict(config),
        "data": config.facts.datasets,
        "part": config.facts.part,
        "seconds": round(state["seconds"]),
        "before": runs_before(config),
        "losses": [[step, round(loss, 4)] for step, loss in state["history"]],
    }


def write_onnx(networks: list[UNet], path: Path, planes: list[list[int]], multiple: int) -> None:
    """Export the mean of `networks`, each given its own `planes`, with height and width left open."""
    side, channels = 8 * multiple, 1 + max(max(each) for each in planes)
    torch.onnx.export(
        Probabilities(networks, planes).eval(),
        (torch.zeros(1, channels, side, side),),
        str(path),
        input_names=["image"],
        output_names=["probabilities"],
        dynamic_axes={"image": {2: "height", 3: "width"}, "probabilities": {2: "height", 3: "width"}},
        opset_version=17,
        dynamo=False,
    )


def write_golden(folder: Path) -> None:
    """A phantom and the mask that this release makes of it on the processor."""
    image = phantom(json.loads((folder / releases.MANIFEST).read_text("utf-8"))["organ"])
    np.savez_compressed(folder / releases.GOLDEN, image=image, mask=np.zeros(image.shape[:2], np.uint8))
    seal(folder)
    release = releases.load(folder)
    mask = Segmenter(release, OpenVinoEngine(release.weights)).segment(image).mask
    if not mask.any():
        raise click.ClickException("the network finds nothing on the phantom: such a golden sample proves nothing")
    np.savez_compressed(folder / releases.GOLDEN, image=image, mask=mask)
    seal(folder)


@click.command()
@click.option(
    "--checkpoint",
    "paths",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    multiple=True,
    help="one or more",
)
@click.option("--version", required=True, help="such as 1.0.0")
def main(paths: tuple[Path, ...], version: str) -> None:
    """Write model/releases/<organ>/<version>/ from checkpoints; its thresholds come from the cross-validation."""
    configs, networks, states = zip(*map(load_checkpoint, paths), strict=True)
    for config, state in zip(configs, states, strict=True):
        if state["step"] < config.steps:
            raise click.ClickException(f"the training stopped at step {state['step']} of {config.steps}")
        if config.organ != configs[0].organ:
            raise click.ClickException("the checkpoints are of different organs")
    config = configs[0]
    preprocess = together([each.facts.preprocess for each in configs])
    planes = [[preprocess.planes.index(plane) for plane in each.facts.preprocess.planes] for each in configs]
    even = {label.name: 0.5 for label in TASKS[config.organ].labels}
    chosen = crossval.thresholds_for(config)
    folder = releases.RELEASES / config.organ / version
    folder.mkdir(parents=True)
    multiple = 2 ** (max(each.facts.depth for each in configs) - 1)
    write_onnx(list(networks), folder / releases.WEIGHTS, planes, multiple)
    labels = [
        {"index": label.index, "name": label.name, "nameZh": label.name_zh, "colour": label.colour}
        for label in TASKS[config.organ].labels
    ]
    first, *beside = map(training_record, configs, states)
    manifest = {
        "name": f"{config.organ}-attention-unet" if config.attention else f"{config.organ}-unet",
        "version": version,
        "organ": config.organ,
        "labels": labels,
        "preprocess": preprocess.to_dict(),
        "input": {"layout": "NCHW", "channels": len(preprocess.planes), "size": None, "multiple": multiple},
        "threshold": even | chosen,
        "flips": config.facts.augment.flips,
        "confidence": {},
        "metrics": {
            "thresholds": "chosen on the cross-validation's held-out patients"
            if chosen
            else "which no image has chosen"
        },
        "training": first | {"beside": beside},
        "files": {},
        "createdAt": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / releases.MANIFEST).write_text(json.dumps(manifest), "utf-8")
    (folder / releases.GOLDEN).touch()
    write_golden(folder)
    click.echo(folder)


if __name__ == "__main__":
    main()
