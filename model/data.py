"""Labelled images for training and judging: where each set keeps its files, and random training patches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch.utils.data import IterableDataset

from model.preprocess import FundusPreprocess, prepare, restore


@dataclass(frozen=True)
class Sample:
    """One labelled image: `image` uint8 (H, W, 3) RGB, `labels` uint8 (H, W), `fov` uint8 (H, W) 1 inside."""

    name: str
    patient: str
    image: np.ndarray
    labels: np.ndarray
    fov: np.ndarray


def load_drive(root: Path, split: str, observer: str = "1st_manual") -> list[Sample]:
    """DRIVE (Staal et al. 2004), `split` "training" or "test": 20 eyes of 20 patients each.

    `root` holds drive/. Raises FileNotFoundError when it does not.
    """
    folder = Path(root) / "drive" / split
    paths = sorted((folder / "images").glob("*.tif"))
    if not paths:
        raise FileNotFoundError(f"no DRIVE images in {folder / 'images'}")
    suffix = observer[0]
    samples = []
    for path in paths:
        number = path.name[:2]
        fov = _read_mask(folder / "mask" / f"{path.stem}_mask.gif")
        labels = _read_mask(folder / observer / f"{number}_manual{suffix}.gif")
        samples.append(Sample(path.stem, number, _read_image(path), labels, fov))
    return samples


def fold(samples: list[Sample], index: int, folds: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Split by patient: (training, held out) of fold `index` in 0…`folds` - 1."""
    patients = sorted({sample.patient for sample in samples})
    np.random.default_rng(seed).shuffle(patients)
    held = set(patients[index::folds])
    return [s for s in samples if s.patient not in held], [s for s in samples if s.patient in held]


class Patches(IterableDataset):
    """Endless random patches: (image float32 (3, S, S), labels int64 (S, S), valid float32 (S, S)).

    Geometry (rotation, flip, scale, shear) is one affine map that reads the patch out of the whole picture, so
    no corner is ever empty for having been rotated; brightness, contrast, blur and noise come after.
    """

    def __init__(self, samples: list[Sample], preprocess: FundusPreprocess, size: int, seed: int):
        self.size, self.seed = size, seed
        self.pictures = []
        for sample in samples:
            prepared = prepare(sample.image, preprocess)
            height, width = prepared.fov.shape
            labels = cv2.resize(sample.labels, (width, height), interpolation=cv2.INTER_NEAREST)
            fov = cv2.resize(sample.fov, (width, height), interpolation=cv2.INTER_NEAREST)
            self.pictures.append((np.ascontiguousarray(prepared.tensor.transpose(1, 2, 0)), labels, fov))

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        worker = torch.utils.data.get_worker_info()
        random = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            image, labels, fov = self.pictures[random.integers(len(self.pictures))]
            matrix = self._matrix(fov, random)
            size = (self.size, self.size)
            nearest = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
            patch = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
            patch_labels = cv2.warpAffine(labels, matrix, size, flags=nearest)
            patch_fov = cv2.warpAffine(fov, matrix, size, flags=nearest)
            yield (
                torch.from_numpy(_recolour(patch, patch_fov, random)),
                torch.from_numpy(patch_labels.astype(np.int64)),
                torch.from_numpy(patch_fov.astype(np.float32)),
            )

    def _matrix(self, fov: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Map from patch to picture pixels (2, 3), centred on a random pixel of the field of view."""
        while True:
            y, x = random.integers(fov.shape[0]), random.integers(fov.shape[1])
            if fov[y, x]:
                break
        angle = random.uniform(0, 2 * np.pi)
        scale = np.exp(random.uniform(-0.22, 0.22))
        stretch = np.exp(random.uniform(-0.08, 0.08))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        flip = np.diag([random.choice([-1.0, 1.0]) * stretch, 1 / stretch])
        linear = scale * turn @ flip
        centre = np.array([x, y]) - linear @ np.full(2, self.size / 2)
        return np.hstack([linear, centre[:, None]])


def _recolour(patch: np.ndarray, fov: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Contrast, brightness per channel, sometimes blur and noise; (S, S, 3) → float32 (3, S, S)."""
    gain = np.exp(random.normal(0, 0.12)) * np.exp(random.normal(0, 0.08, 3))
    patch = patch * gain + random.normal(0, 0.12, 3)
    if random.random() < 0.2:
        patch = cv2.GaussianBlur(patch, (0, 0), random.uniform(0.4, 1.0))
    if random.random() < 0.3:
        patch = patch + random.normal(0, random.uniform(0.05, 0.25), patch.shape)
    return np.ascontiguousarray((patch * fov[..., None]).transpose(2, 0, 1), dtype=np.float32)


def predict(network: torch.nn.Module, sample: Sample, preprocess: FundusPreprocess, multiple: int) -> np.ndarray:
    """Foreground probability float32 (H, W) of a whole picture, by the network as it stands in training."""
    prepared = prepare(sample.image, preprocess)
    height, width = prepared.fov.shape
    tensor = torch.from_numpy(prepared.tensor)[None]
    padded = torch.nn.functional.pad(tensor, (0, -width % multiple, 0, -height % multiple))
    with torch.inference_mode():
        probability = torch.softmax(network(padded).float(), dim=1)[0, 1, :height, :width].numpy()
    return restore(probability * prepared.fov, prepared.shape)


def _read_image(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _read_mask(path: Path) -> np.ndarray:
    """uint8 (H, W), 1 where the stored index is not 0: the second observer's palettes give 0 a colour of its own."""
    with Image.open(path) as picture:
        return (np.asarray(picture) > 0).astype(np.uint8)
