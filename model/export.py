"""Make a release from a checkpoint: `python -m model.export --checkpoint FILE --version 1.0.0`.

With `--beside RELEASE` it answers with the mean of the checkpoint's network and of that release's, each of which looks
at the picture in its own way.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
import onnx
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
    """The network with its sigmoid, so that each engine returns probabilities."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.network(image)[0])


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


def told_of(other: releases.Release) -> dict:
    """What a release keeps of one that answers beside it."""
    return {"release": other.version, "weights": other.sha256, **other.training}


def write_onnx(network: nn.Module, path: Path, channels: int, multiple: int) -> None:
    """Export with height and width left open."""
    side = 8 * multiple
    torch.onnx.export(
        Probabilities(network).eval(),
        (torch.zeros(1, channels, side, side),),
        str(path),
        input_names=["image"],
        output_names=["probabilities"],
        dynamic_axes={"image": {2: "height", 3: "width"}, "probabilities": {2: "height", 3: "width"}},
        opset_version=17,
        dynamo=False,
    )


def mean_of(networks: list[onnx.ModelProto], planes: list[list[int]]) -> onnx.ModelProto:
    """One network that answers with the mean of `networks`, each given its own `planes` of the input (N, C, H, W)."""
    nodes, constants, answers = [], [], []
    for number, (network, own) in enumerate(zip(networks, planes, strict=True)):
        graph = onnx.compose.add_prefix(network, f"{number}/").graph
        constants += [*graph.initializer, onnx.numpy_helper.from_array(np.array(own), f"{number}/planes")]
        nodes += [onnx.helper.make_node("Gather", ["image", f"{number}/planes"], [graph.input[0].name], axis=1)]
        nodes += graph.node
        answers.append(graph.output[0].name)
    nodes.append(onnx.helper.make_node("Mean", answers, ["probabilities"]))
    picture = [None, 1 + max(map(max, planes)), "height", "width"]
    inputs = [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, picture)]
    classes = networks[0].graph.output[0].type.tensor_type.shape.dim[1].dim_value
    marked = [None, classes, "height", "width"]
    outputs = [onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, marked)]
    graph = onnx.helper.make_graph(nodes, "mean", inputs, outputs, constants)
    model = onnx.helper.make_model(graph, opset_imports=networks[0].opset_import, ir_version=networks[0].ir_version)
    onnx.checker.check_model(model)
    return model


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
@click.option("--checkpoint", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--version", required=True, help="such as 1.0.0")
@click.option(
    "--beside",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="a release whose network answers as well: the mean of all is taken",
)
def main(checkpoint: Path, version: str, beside: tuple[Path, ...]) -> None:
    """Write model/releases/<organ>/<version>/ from a checkpoint; its thresholds come from the cross-validation."""
    config, network, state = load_checkpoint(checkpoint)
    if state["step"] < config.steps:
        raise click.ClickException(f"the training stopped at step {state['step']} of {config.steps}")
    facts, others = config.facts, [releases.load(each) for each in beside]
    if any(other.organ != config.organ for other in others):
        raise click.ClickException(f"only releases for {config.organ} can answer beside this network")
    views = [facts.preprocess, *(other.preprocess for other in others)]
    preprocess = together(views)
    even = {label.name: 0.5 for label in TASKS[config.organ].labels}
    training = training_record(config, state)
    before = sum(run["steps"] for run in training["before"])
    # No fold has judged a mean of several networks.
    chosen = {} if others else crossval.thresholds_for(config, before)
    folder = releases.RELEASES / config.organ / version
    folder.mkdir(parents=True)
    multiple = max([2 ** (facts.depth - 1), *(other.multiple for other in others)])
    write_onnx(network, folder / releases.WEIGHTS, config.network.channels, multiple)
    if others:
        networks = [onnx.load(each / releases.WEIGHTS) for each in (folder, *beside)]
        planes = [[preprocess.planes.index(plane) for plane in view.planes] for view in views]
        onnx.save(mean_of(networks, planes), folder / releases.WEIGHTS)
    labels = [
        {"index": label.index, "name": label.name, "nameZh": label.name_zh, "colour": label.colour}
        for label in TASKS[config.organ].labels
    ]
    manifest = {
        "name": f"{config.organ}-attention-unet" if config.attention else f"{config.organ}-unet",
        "version": version,
        "organ": config.organ,
        "labels": labels,
        "preprocess": preprocess.to_dict(),
        "input": {"layout": "NCHW", "channels": len(preprocess.planes), "size": None, "multiple": multiple},
        "threshold": even | chosen,
        "flips": facts.augment.flips,
        "confidence": {},
        "metrics": {
            "thresholds": "chosen on the cross-validation's held-out patients"
            if chosen
            else "which no image has chosen"
        },
        "training": training | {"beside": [told_of(other) for other in others]},
        "files": {},
        "createdAt": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / releases.MANIFEST).write_text(json.dumps(manifest), "utf-8")
    (folder / releases.GOLDEN).touch()
    write_golden(folder)
    click.echo(folder)


if __name__ == "__main__":
    main()
