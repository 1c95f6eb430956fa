"""From labelled images to random training patches, and a whole picture's probabilities by a network in training."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from model.augment import Augment, expose, photograph, plain_map, warp_map
from model.datasets import Sample
from model.preprocess import FundusPreprocess, Prepared, Preprocess, prepare, restore

Patch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Scene:
    """A sample at the network's scale: `image` uint8 (h, w, 3), its `clean` input float32 (h, w, C) with nothing done
    to it, `regions` float32 (h, w, K) and `fov` uint8 (h, w)."""

    image: np.ndarray
    clean: np.ndarray
    regions: np.ndarray
    fov: np.ndarray


class Patches(IterableDataset):
    """Endless random patches: (image (C, S, S), target (K, S, S), valid (K, S, S)), float32.

    A picture is drawn, its light is changed before the preprocessing that serves users, and one map reads the patch
    out of it, so that no corner is empty for having been turned. A share of the patches is `plain`: read pixel by
    pixel, at most mirrored, as pictures come to be served; only bent ones are always a little blurred.
    """

    def __init__(self, samples: list[Sample], preprocess: Preprocess, augment: Augment, size: int, seed: int):
        self.samples, self.preprocess, self.augment, self.size, self.seed = samples, preprocess, augment, size, seed
        self.fundus = isinstance(preprocess, FundusPreprocess)
        self.scenes: dict[int, Scene] = {}

    def __iter__(self) -> Iterator[Patch]:
        worker = torch.utils.data.get_worker_info()
        random = np.random.default_rng([self.seed, worker.id if worker else 0])
        chances = _chances(self.samples)
        while True:
            yield self._patch(int(random.choice(len(chances), p=chances)), random)

    def _patch(self, index: int, random: np.random.Generator) -> Patch:
        scene, known = self._scene(index), np.array(self.samples[index].known, np.float32)
        height, width = scene.fov.shape
        centre = _inside(scene.fov, random) if self.fundus else ((width - 1) / 2, (height - 1) / 2)
        plain = random.random() < self.augment.plain
        where = (
            plain_map(centre, self.size, self.augment, random)
            if plain
            else warp_map(centre, self.size, self.augment, random)
        )
        image = _read(self._lit(scene, plain, random), where, cv2.INTER_LINEAR if plain else cv2.INTER_CUBIC)
        regions = _read(scene.regions, where, cv2.INTER_NEAREST if self.fundus else cv2.INTER_LINEAR)
        if not self.fundus:
            return _tensor(image), _tensor(regions), _tensor(np.ones_like(regions) * known)
        inside = _read(scene.fov, where, cv2.INTER_NEAREST)
        return _tensor(_recolour(image, plain, random) * inside), _tensor(regions), _tensor(inside * known)

    def _lit(self, scene: Scene, plain: bool, random: np.random.Generator) -> np.ndarray:
        """The network's input float32 (h, w, C) of a scene in another light. A fundus photo's is changed after its
        preprocessing, which takes the light away and is dear, but for a phone's photo of it."""
        photo = not plain and random.random() < self.augment.photo
        if self.fundus and not photo:
            return scene.clean
        image = photograph(scene.image, random) if photo else scene.image
        planes = _planes(prepare(image if self.fundus else expose(image, random), self.preprocess))
        # Glare can hide a part of the field of view, which then counts as smaller than it is.
        return cv2.resize(planes, scene.fov.shape[::-1]).reshape(scene.clean.shape)

    def _scene(self, index: int) -> Scene:
        if index not in self.scenes:
            sample = self.samples[index]
            prepared = prepare(sample.image, self.preprocess)
            size = prepared.fov.shape[::-1]
            image = cv2.resize(sample.image, size, interpolation=cv2.INTER_AREA)
            # A thin vessel stays whole; an organ's edge has its share of each pixel that it crosses.
            regions = (
                _resize(sample.regions, size)
                if self.fundus
                else cv2.resize(sample.regions.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            )
            regions = regions.reshape(*size[::-1], -1).astype(np.float32)
            self.scenes[index] = Scene(image, _planes(prepared), regions, _resize(sample.fov, size))
        return self.scenes[index]


def _planes(prepared: Prepared) -> np.ndarray:
    return np.ascontiguousarray(prepared.tensor.transpose(1, 2, 0))


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
        probabilities = torch.sigmoid(network(padded)[0].float())[0, :, :height, :width].numpy()
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


def _recolour(patch: np.ndarray, plain: bool, random: np.random.Generator) -> np.ndarray:
    """Contrast, brightness per channel, sometimes blur and noise, in the prepared picture's own units."""
    gain = np.exp(random.normal(0, 0.12)) * np.exp(random.normal(0, 0.08, 3))
    patch = patch * gain + random.normal(0, 0.12, 3)
    if plain:
        return patch
    if random.random() < 0.2:
        patch = cv2.GaussianBlur(patch, (0, 0), random.uniform(0.4, 1.0))
    if random.random() < 0.3:
        patch = patch + random.normal(0, random.uniform(0.05, 0.25), patch.shape)
    return patch
