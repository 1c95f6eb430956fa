"""Train the attention U-Net: `python -m model.train --organ … --data DIR --out DIR`. Resumes where a kill left it.

Random patches of the training images, Dice + focal loss, AdamW with cosine decay after a short warm-up, and a
moving average of the weights, which is what is judged and released. What is trained on is in recipes.py.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm

from model.data import Patches, predict
from model.datasets import Sample, fold, load
from model.losses import dice_focal_loss
from model.network import NetworkConfig, UNet
from model.recipes import RECIPES, Recipe
from model.tasks import TASKS


@dataclass(frozen=True)
class TrainConfig:
    """All that decides a training run; saved in its checkpoint. `fold` -1 trains on every image."""

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
        return RECIPES[self.organ, self.recipe]

    @property
    def network(self) -> NetworkConfig:
        facts, classes = self.facts, len(TASKS[self.organ].labels)
        return NetworkConfig(facts.channels, classes, self.width, facts.depth, self.attention, self.dropout)

    def rate(self, step: int) -> float:
        """Share of the learning rate at `step`: linear warm-up, then a cosine to zero."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        progress = (step - self.warmup) / max(1, self.steps - self.warmup)
        return float(0.5 * (1 + np.cos(np.pi * min(progress, 1.0))))


class Run:
    """A network in training, and its checkpoint."""

    def __init__(self, config: TrainConfig, folder: Path):
        torch.manual_seed(config.seed)
        self.config, self.path, self.step = config, folder / "checkpoint.pt", 0
        self.network = UNet(config.network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = AveragedModel(self.network, multi_avg_fn=warming_average(config.average), use_buffers=True)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, config.rate)
        self.seconds = 0.0
        if self.path.exists():
            self._load()

    def _load(self) -> None:
        state = torch.load(self.path, weights_only=True)
        if TrainConfig.from_dict(state["config"]) != self.config:
            raise click.ClickException(f"{self.path} was trained with other settings; choose another --out")
        for name in ("network", "average", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]

    def save(self) -> None:
        """Write the checkpoint beside the old one and swap: a kill leaves one or the other."""
        parts = {name: getattr(self, name).state_dict() for name in ("network", "average", "optimizer", "schedule")}
        state = {"config": asdict(self.config), "step": self.step, "seconds": self.seconds, **parts}
        torch.save(state, self.path.with_suffix(".new"))
        self.path.with_suffix(".new").rename(self.path)

    def learn(self, image: torch.Tensor, target: torch.Tensor, valid: torch.Tensor) -> float:
        """One step of gradient descent; returns the loss."""
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(image.to(memory_format=torch.channels_last))
        loss = dice_focal_loss(logits, target, valid)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return loss.item()


def warming_average(limit: float) -> Callable:
    """A moving average whose memory grows with the run: the first steps must not weigh on a short one."""

    def update(averaged: list[torch.Tensor], current: list[torch.Tensor], count: torch.Tensor) -> None:
        decay = min(limit, (1 + float(count)) / (10 + float(count)))
        get_ema_multi_avg_fn(decay)(averaged, current, count)

    return update


def best_thresholds(network: torch.nn.Module, held_out: list[Sample], config: TrainConfig) -> dict:
    """For each label the threshold with the best mean Dice over the held-out images that show it."""
    network.eval()
    facts, labels = config.facts, TASKS[config.organ].labels
    thresholds = np.arange(0.2, 0.8, 0.02)
    scores: list[list[list[float]]] = [[] for _ in labels]
    for sample in held_out:
        inside = sample.fov > 0
        probabilities = predict(network, sample, facts.preprocess, 2 ** (facts.depth - 1))[inside]
        for plane, known in enumerate(sample.known):
            truth = sample.regions[inside][:, plane] > 0
            if known and truth.any():
                marked = [probabilities[:, plane] >= threshold for threshold in thresholds]
                scores[plane].append([float(2 * (m & truth).sum() / (m.sum() + truth.sum())) for m in marked])
    verdict: dict = {"images": [sample.name for sample in held_out], "thresholds": {}, "dice": {}}
    for label, rows in zip(labels, scores, strict=True):
        mean = np.mean(rows, axis=0)
        verdict["thresholds"][label.name] = round(float(thresholds[mean.argmax()]), 2)
        verdict["dice"][label.name] = round(float(mean.max()), 4)
    return verdict


def train(config: TrainConfig, data: Path, out: Path, every: int = 500) -> Run:
    """Train to the end, a checkpoint each `every` steps; a held-out fold is judged into fold.json."""
    out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)  # OpenCV's threads do not survive the fork of the loader's worker: it hung
    facts = config.facts
    samples = load(data, facts.datasets, facts.part)
    held_out: list[Sample] = []
    if config.fold >= 0:
        samples, held_out = fold(samples, config.fold, config.folds, config.seed)
    run = Run(config, out)
    patches = Patches(samples, facts.preprocess, facts.augment, facts.patch, config.seed + run.step)
    batches = iter(DataLoader(patches, facts.batch, num_workers=1, prefetch_factor=4))
    started, losses = time.monotonic() - run.seconds, []
    with tqdm(total=config.steps, initial=run.step, unit="step", mininterval=5) as bar:
        while run.step < config.steps:
            losses.append(run.learn(*next(batches)))
            bar.update()
            if run.step % 50 == 0:
                bar.set_postfix(loss=f"{np.mean(losses[-200:]):.4f}")
            if run.step % every == 0 or run.step == config.steps:
                run.seconds = time.monotonic() - started
                run.save()
    if held_out:
        verdict = best_thresholds(run.average.module, held_out, config)
        (out / "fold.json").write_text(json.dumps({**verdict, "seconds": round(run.seconds)}, indent=2))
    return run


@click.command()
@click.option("--organ", type=click.Choice(list(TASKS)), default="retina", show_default=True)
@click.option("--recipe", default="benchmark", show_default=True, help="benchmark or field: see recipes.py")
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="folder of the data sets")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="folder of the checkpoint")
@click.option("--steps", default=TrainConfig.steps, show_default=True)
@click.option("--fold", default=-1, show_default=True, help="hold this fold out; -1 trains on every image")
@click.option("--every", default=500, show_default=True, help="steps between checkpoints")
@click.option("--seed", default=TrainConfig.seed, show_default=True)
@click.option("--width", default=TrainConfig.width, show_default=True)
@click.option("--attention/--plain", default=True, help="attention gates, or the plain U-Net")
def main(data: Path, out: Path, every: int, **settings: Any) -> None:
    """Train one organ's network by its recipe."""
    if (settings["organ"], settings["recipe"]) not in RECIPES:
        raise click.ClickException(f"there is no recipe {settings['recipe']!r} for {settings['organ']}")
    train(TrainConfig(**settings), data, out, every)


if __name__ == "__main__":
    main()
