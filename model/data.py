"""From labelled images to random training patches, and a whole picture's probabilities by a network in training."""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from model.augment import Augment, expose, photograph, warp_map
from model.datasets import Sample
from model.preprocess import FundusPreprocess, Prepared, Preprocess, prepare, restore

Patch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Patches(IterableDataset):
    """Endless random patches: (image (C, S, S), target (K, S, S), valid (K, S, S)), float32.

    A picture is drawn, its light is changed before the preprocessing that
    serves users, and one map reads the patch out of it, so that no corner is empty for having been turned. A
    fundus photo's preprocessing is dear: its result is kept and made anew every eighth time.
    """

    def __init__(self, samples: list[Sample], preprocess: Preprocess, augment: Augment, size: int, seed: int):
        self.samples, self.preprocess, self.augment, self.size, self.seed = samples, preprocess, augment, size, seed
        self.kept: dict[int, Prepared] = {}

    def __iter__(self) -> Iterator[Patch]:
        worker = torch.utils.data.get_worker_info()
        random = np.random.default_rng([self.seed, worker.id if worker else 0])
        chances = _chances(self.samples)
        while True:
            yield self._patch(int(random.choice(len(chances), p=chances)), random)

    def _patch(self, index: int, random: np.random.Generator) -> Patch:
        sample, prepared = self.samples[index], self._prepared(index, random)
        height, width = prepared.fov.shape
        fundus = isinstance(self.preprocess, FundusPreprocess)
        fov = _resize(sample.fov, (width, height))
        centre = _inside(fov, random) if fundus else ((width - 1) / 2, (height - 1) / 2)
        where = warp_map(centre, self.size, self.augment, random)
        image = _read(np.ascontiguousarray(prepared.tensor.transpose(1, 2, 0)), where, cv2.INTER_LINEAR)
        regions = self._regions(sample, (width, height), where)
        inside = _read(fov, where, cv2.INTER_NEAREST)
        if fundus:
            image = _recolour(image, random) * inside
        valid = inside * np.array(sample.known, np.float32) if fundus else np.ones_like(regions) * sample.known
        return _tensor(image), _tensor(regions), _tensor(valid)

    def _regions(self, sample: Sample, size: tuple[int, int], where: np.ndarray) -> np.ndarray:
        """The labels of a patch: an organ's edge has its share of each pixel it crosses, a thin vessel stays whole."""
        if isinstance(self.preprocess, FundusPreprocess):
            return _read(_resize(sample.regions, size), where, cv2.INTER_NEAREST)
        shares = cv2.resize(sample.regions.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        return _read(shares.reshape(*size[::-1], -1), where, cv2.INTER_LINEAR)

    def _prepared(self, index: int, random: np.random.Generator) -> Prepared:
        if index in self.kept and random.random() > 1 / 8:
            return self.kept[index]
        image = self.samples[index].image
        fundus = isinstance(self.preprocess, FundusPreprocess)
        if random.random() < self.augment.photo:
            image = photograph(image, random)
        if not fundus:
            return prepare(expose(image, random), self.preprocess)
        self.kept[index] = prepare(image, self.preprocess)
        return self.kept[index]


def _chances(samples: list[Sample]) -> np.ndarray:
    """How often each sample is drawn, (n,) with sum 1: a data set by the square root of its patients, so that neither
    a small one is lost nor a few people's many slices rule; within it each image as often as the next."""
    weights = np.zeros(len(samples))
    for name in {sample.dataset for sample in samples}:
        members = [i for i, sample in enumerate(samples) if sample.dataset == name]
        weights[members] = np.sqrt(len({samples[i].patient for i in members})) / len(members)
    return weights / weights.sum()


def predict(network: torch.nn.Module, sample: Sample, preprocess: Preprocess, multiple: int) -> np.ndarray:
    """Probabilities float32 (H, W, K) of a whole picture, by the network as it stands in training."""
    prepared = prepare(sample.image, preprocess)
    height, width = prepared.fov.shape
    tensor = torch.from_numpy(prepared.tensor)[None]
    padded = torch.nn.functional.pad(tensor, (0, -width % multiple, 0, -height % multiple))
    with torch.inference_mode():
        probabilities = torch.sigmoid(network(padded).float())[0, :, :height, :width].numpy()
    return np.stack([restore(plane * prepared.fov, prepared.shape) for plane in probabilities], axis=-1)


def _tensor(planes: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1), dtype=np.float32))


def _inside(fov: np.ndarray, random: np.random.Generator) -> tuple[float, float]:
    """A random pixel (x, y) of the field of view."""
    while True:
        y, x = random.integers(fov.shape[0]), random.integers(fov.shape[1])
        if fov[y, x]:
            return float(x), float(y)


def _resize(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if planes.shape[1::-1] == size:
        return planes
    if planes.shape[1] <= size[0]:
        return cv2.resize(planes, size, interpolation=cv2.INTER_NEAREST)
    return (cv2.resize(planes * 255, size, interpolation=cv2.INTER_AREA) > 127).astype(np.uint8)


def _read(planes: np.ndarray, where: np.ndarray, interpolation: int) -> np.ndarray:
    """Read a patch (S, S, C) out of planes; what lies outside of the picture is 0."""
    patch = cv2.remap(planes, where[..., 0], where[..., 1], interpolation)
    return patch if patch.ndim == 3 else patch[..., None]


def _recolour(patch: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Contrast, brightness per channel, sometimes blur and noise, in the prepared picture's own units."""
    gain = np.exp(random.normal(0, 0.12)) * np.exp(random.normal(0, 0.08, 3))
    patch = patch * gain + random.normal(0, 0.12, 3)
    if random.random() < 0.2:
        patch = cv2.GaussianBlur(patch, (0, 0), random.uniform(0.4, 1.0))
    if random.random() < 0.3:
        patch = patch + random.normal(0, random.uniform(0.05, 0.25), patch.shape)
    return patch
