"""Train the attention U-Net: `python -m model.train --organ … --data DIR --out DIR`. Resumes where a kill left it.

Random patches of the training images, Dice + focal loss, AdamW with cosine decay after a short warm-up, and a
moving average of the weights, which is what is judged and released. What is trained on is in recipes.py.

Lightning Fabric places it: on the processor, on a GPU, or on several, as in
`torchrun --nproc-per-node 2 -m model.train --devices 2 …`, where each process draws patches of its own.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import click
import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm

from model.data import Patches
from model.datasets import Sample, fold, load
from model.losses import deep_loss
from model.network import NetworkConfig, UNet
from model.preprocess import GreyPreprocess
from model.recipes import RECIPES, Recipe
from model.tasks import TASKS
from model.teacher import taught


@dataclass(frozen=True)
class TrainConfig:
    """All that decides a training run; saved in its checkpoint. crossval.py holds `fold` out; -1 holds out none.

    `start` is a checkpoint of the same network, or of one with less in its gates, whose averaged weights the run begins
    with, "" for none. `side_px` is the size at which films and slices are seen, 0 for the recipe's: a run at half of it
    sees four times as many in the same time, and is a good start for one at full size. `clahe` is the clip limit of
    the histogram equalisation through which they are seen, 0.0 for the recipe's own view. `teacher` is the folder of a
    release that marks what the data sets leave unmarked (teacher.py), "" for none.
    """

    organ: str = "retina"
    recipe: str = "benchmark"
    steps: int = 3200
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    average: float = 0.998
    warmup: int = 100
    seed: int = 1
    fold: int = -1
    folds: int = 4
    width: int = 16
    attention: bool = True
    dropout: float = 0.1
    start: str = ""
    side_px: int = 0
    half_steps: int = 0
    clahe: float = 0.0
    teacher: str = ""

    @classmethod
    def from_dict(cls, values: dict) -> "TrainConfig":
        """Raises ValueError for a key that this code does not know."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown training settings: {sorted(unknown)}")
        return cls(**values)

    @property
    def facts(self) -> Recipe:
        """What is trained on. Raises KeyError for an organ and recipe that do not go together."""
        return _seen(RECIPES[self.organ, self.recipe], self.side_px, self.clahe)

    def facts_at(self, step: int) -> Recipe:
        """What is trained on in `step`."""
        return _seen(self.facts, self.facts.patch // 2) if step < self.half_steps else self.facts

    @property
    def network(self) -> NetworkConfig:
        facts, classes = self.facts, len(TASKS[self.organ].labels)
        whole = isinstance(facts.preprocess, GreyPreprocess)  # a fundus photo is learned patch by patch
        planes = len(facts.preprocess.planes)
        return NetworkConfig(planes, classes, self.width, facts.depth, self.attention, self.dropout, whole)

    def rate(self, step: int) -> float:
        """Share of the learning rate at `step`: linear warm-up, then a cosine to zero."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        progress = (step - self.warmup) / max(1, self.steps - self.warmup)
        return float(0.5 * (1 + np.cos(np.pi * min(progress, 1.0))))


def _seen(recipe: Recipe, side_px: int = 0, clahe: float = 0.0) -> Recipe:
    """The recipe with films and slices seen at `side_px` or through `clahe`; a fundus photo has the scale of its
    vessels."""
    view = recipe.preprocess
    if not isinstance(view, GreyPreprocess):
        return recipe
    if clahe:
        view = replace(view, clahe=clahe, local=0.0)
    if side_px:
        view = replace(view, side_px=side_px)
    return replace(recipe, preprocess=view, patch=view.side_px)


class Run:
    """A network in training, and its checkpoint."""

    def __init__(self, config: TrainConfig, folder: Path, fabric: Fabric):
        torch.manual_seed(config.seed)
        self.config, self.path, self.step, self.fabric = config, folder / "checkpoint.pt", 0, fabric
        self.network = UNet(config.network).to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if config.start:
            known = averaged(torch.load(config.start, weights_only=True))
            # A part of the gates that the older network lacks begins at zero, as if it were not there.
            self.network.load_state_dict({**self.network.state_dict(), **known})
        self.average = AveragedModel(self.network, multi_avg_fn=warming_average(config.average), use_buffers=True)
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.placed, self.optimizer = fabric.setup(self.network, optimizer)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, config.rate)
        self.seconds, self.history = 0.0, list[tuple[int, float]]()
        if self.path.exists():
            self._load()

    def _load(self) -> None:
        state = torch.load(self.path, map_location=self.fabric.device, weights_only=True)
        if TrainConfig.from_dict(state["config"]) != self.config:
            raise click.ClickException(f"{self.path} was trained with other settings; choose another --out")
        for name in ("network", "average", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds, self.history = state["step"], state["seconds"], state["history"]

    def save(self) -> None:
        """Write the checkpoint beside the old one and swap: a kill leaves one or the other."""
        if not self.fabric.is_global_zero:
            return
        parts = {name: getattr(self, name).state_dict() for name in ("network", "average", "optimizer", "schedule")}
        facts = {"config": asdict(self.config), "step": self.step, "seconds": self.seconds, "history": self.history}
        state = {**facts, **parts}
        torch.save(state, self.path.with_suffix(".new"))
        self.path.with_suffix(".new").rename(self.path)

    def learn(self, image: torch.Tensor, target: torch.Tensor, valid: torch.Tensor) -> float:
        """One step of gradient descent; returns the loss."""
        self.placed.train()
        logits, answers = self.placed(image.to(memory_format=torch.channels_last))
        task = TASKS[self.config.organ]
        organs = tuple(label.name in task.organs for label in task.labels)
        loss = deep_loss(logits, answers, target, valid, organs)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return loss.item()


def averaged(state: dict) -> dict:
    """The averaged network's weights in a checkpoint, as a UNet takes them."""
    prefix = "module."
    return {name.removeprefix(prefix): value for name, value in state["average"].items() if name.startswith(prefix)}


def warming_average(limit: float) -> Callable:
    """A moving average whose memory grows with the run: the first steps must not weigh on a short one."""

    def update(averaged: list[torch.Tensor], current: list[torch.Tensor], count: torch.Tensor) -> None:
        decay = min(limit, (1 + float(count)) / (10 + float(count)))
        get_ema_multi_avg_fn(decay)(averaged, current, count)

    return update


def train(config: TrainConfig, data: Path, out: Path, every: int = 500, devices: int | str = "auto") -> Run:
    """Train to the end, with a checkpoint each `every` steps."""
    fabric = Fabric(devices=devices, precision=_precision())
    fabric.launch()
    out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)  # OpenCV's threads do not survive the fork of the loader's worker: it hung
    samples = load(data, config.facts.datasets, config.facts.part)
    if config.fold >= 0:
        samples, _ = fold(samples, config.fold, config.folds, config.seed)
    if config.teacher:
        samples = taught(samples, Path(config.teacher))
    run = Run(config, out, fabric)
    first, started, losses = run.step, time.monotonic() - run.seconds, []
    hidden = not fabric.is_global_zero
    with tqdm(total=config.steps, initial=run.step, unit="step", mininterval=5, disable=hidden) as bar:
        while run.step < config.steps:
            if run.step in (first, config.half_steps):
                batches = _batches(config.facts_at(run.step), samples, run)
            losses.append(run.learn(*next(batches)))
            bar.update()
            if run.step % 50 == 0:
                run.history.append((run.step, float(np.mean(losses[-50:]))))
                bar.set_postfix(loss=f"{run.history[-1][1]:.4f}")
            if run.step % every == 0 or run.step == config.steps:
                run.seconds = time.monotonic() - started
                run.save()
    return run


def _batches(facts: Recipe, samples: list[Sample], run: Run) -> Iterator[Any]:
    """Batches of Patches without end; another seed for each process and wherever a run is taken up."""
    seed = 1000 * run.fabric.global_rank + run.config.seed + run.step
    patches = Patches(samples, facts.preprocess, facts.augment, facts.patch, seed)
    pinned = run.fabric.device.type == "cuda"
    loader = DataLoader(patches, facts.batch, num_workers=1, prefetch_factor=4, pin_memory=pinned)
    return iter(run.fabric.setup_dataloaders(loader))


def _precision() -> Literal["bf16-mixed", "32-true"]:
    """bf16 where the hardware multiplies in it: elsewhere it took a third longer than float32."""
    by_hardware = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if torch.cuda.is_available() or by_hardware else "32-true"


def refuse_views_of_fundus(organ: str, settings: dict[str, Any]) -> None:
    """Raise ClickException for a command line that asks for a fundus photo as films and slices are seen."""
    if organ == "retina" and any(settings[name] for name in ("side_px", "half_steps", "clahe")):
        raise click.ClickException(
            "a fundus photo has the scale of its vessels: --side-px, --half-steps and --clahe are for films and slices"
        )


@click.command()
@click.option("--organ", type=click.Choice(list(TASKS)), default="retina", show_default=True)
@click.option("--recipe", default="benchmark", show_default=True, help="benchmark or field: see recipes.py")
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="folder of the data sets")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="folder of the checkpoint")
@click.option("--steps", default=TrainConfig.steps, show_default=True)
@click.option("--every", default=500, show_default=True, help="steps between checkpoints")
@click.option("--learning-rate", default=TrainConfig.learning_rate, show_default=True, help="lower with --start")
@click.option("--seed", default=TrainConfig.seed, show_default=True)
@click.option("--width", default=TrainConfig.width, show_default=True)
@click.option("--dropout", default=TrainConfig.dropout, show_default=True)
@click.option("--attention/--plain", default=True, help="attention gates, or the plain U-Net")
@click.option("--start", default=TrainConfig.start, help="a checkpoint to begin with, as for another camera's pictures")
@click.option("--side-px", default=TrainConfig.side_px, help="see films and slices at this size, to begin with")
@click.option("--half-steps", default=TrainConfig.half_steps, help="so many of the first steps at half that size")
@click.option("--clahe", default=TrainConfig.clahe, help="see films and slices through CLAHE with this clip limit")
@click.option("--teacher", default=TrainConfig.teacher, help="a release that marks what a data set leaves out")
@click.option("--devices", default="auto", show_default=True, help="how many GPUs or processes; with torchrun, its own")
def main(data: Path, out: Path, every: int, devices: str, **settings: Any) -> None:
    """Train one organ's network by its recipe."""
    if (settings["organ"], settings["recipe"]) not in RECIPES:
        raise click.ClickException(f"there is no recipe {settings['recipe']!r} for {settings['organ']}")
    refuse_views_of_fundus(settings["organ"], settings)
    train(TrainConfig(**settings), data, out, every, devices)


if __name__ == "__main__":
    main()
