"""The labelled data sets: where each keeps its files, who its patients are, and which of them are kept for judging."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from model.tasks import TASKS


@dataclass(frozen=True)
class Sample:
    """One labelled image: `image` uint8 (H, W, 3) RGB; `fov` uint8 (H, W), 1 inside.

    `regions` uint8 (H, W, K), one plane of 0 and 1 for each of the task's labels, which may overlap; `known`
    says which of them the data set marks at all. `patient` is unique over all data sets.
    """

    name: str
    dataset: str
    patient: str
    image: np.ndarray
    regions: np.ndarray
    fov: np.ndarray
    known: tuple[bool, ...]


@dataclass(frozen=True)
class Dataset:
    """`split` says how its patients are used: "train", "test", or "fifth": every fifth patient is kept for judging."""

    name: str
    organ: str
    split: str
    read: Callable[[Path], Iterator[Sample]]


def load(root: Path, names: tuple[str, ...], part: str = "all") -> list[Sample]:
    """The samples of data sets; `part` "train", "test" or "all" of their patients.

    Raises FileNotFoundError when a set is not below `root`.
    """
    found = []
    for name in names:
        samples = list(DATASETS[name].read(Path(root)))
        if not samples:
            raise FileNotFoundError(f"no {name} images below {root}")
        found += [sample for sample in samples if part == "all" or _part(samples, sample) == part]
    return found


def fold(samples: list[Sample], index: int, folds: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Split by patient, each data set evenly: (training, held out) of fold `index` in 0…`folds` - 1."""
    held: set[str] = set()
    for dataset in sorted({sample.dataset for sample in samples}):
        patients = sorted({sample.patient for sample in samples if sample.dataset == dataset})
        np.random.default_rng(seed).shuffle(patients)
        held.update(patients[index::folds])
    return [s for s in samples if s.patient not in held], [s for s in samples if s.patient in held]


def _part(samples: list[Sample], sample: Sample) -> str:
    split = DATASETS[sample.dataset].split
    if split != "fifth":
        return split
    patients = sorted({each.patient for each in samples})
    np.random.default_rng(2026).shuffle(patients)
    return "test" if sample.patient in patients[::5] else "train"


def _sample(
    dataset: str,
    name: str,
    patient: str,
    image: np.ndarray,
    regions: list[np.ndarray],
    fov: np.ndarray | None = None,
    known: tuple[bool, ...] = (),
) -> Sample:
    if fov is None:
        fov = np.ones(image.shape[:2], np.uint8)
    planes = np.stack(regions, axis=-1).astype(np.uint8)
    return Sample(name, dataset, f"{dataset}/{patient}", image, planes, fov, known or (True,) * planes.shape[-1])


def _drive(split: str, observer: str = "1st_manual") -> Callable[[Path], Iterator[Sample]]:
    """DRIVE (Staal et al. 2004): 20 + 20 eyes of 40 patients."""

    def read(root: Path) -> Iterator[Sample]:
        folder = root / "drive" / split
        for path in sorted((folder / "images").glob("*.tif")):
            number = path.name[:2]
            vessels = _mask(folder / observer / f"{number}_manual{observer[0]}.gif")
            fov = _mask(folder / "mask" / f"{path.stem}_mask.gif")
            dataset = "drive-train" if split == "training" else "drive-test"
            yield _sample(dataset, path.stem, number, _picture(path), [vessels], fov)

    return read


def _stare(root: Path) -> Iterator[Sample]:
    """STARE (Hoover et al. 2000), observer AH: 20 eyes, half of them ill."""
    folder = root / "stare"
    for path in sorted((folder / "stare-images").glob("*.ppm")):
        vessels = _mask(folder / "labels-ah" / f"{path.stem}.ah.ppm")
        fov = _mask(folder / "masks" / f"mask_{path.stem[2:]}.png")
        yield _sample("stare", path.stem, path.stem, _picture(path), [vessels], fov)


def _chase(root: Path) -> Iterator[Sample]:
    """CHASE_DB1 (Owen et al. 2009), first observer: both eyes of 14 children."""
    folder = root / "chasedb1"
    for path in sorted((folder / "images").glob("*.jpg")):
        vessels = _mask(folder / "labels1" / f"{path.stem}_1stHO.png")
        fov = _mask(next((folder / "masks").glob(f"mask_{path.stem[6:]}*")))
        yield _sample("chasedb1", path.stem, path.stem[6:8], _picture(path), [vessels], fov)


def _jsrt(root: Path) -> Iterator[Sample]:
    """JSRT films (Shiraishi et al. 2000) with SCR's outlines (van Ginneken et al. 2006), brought to 512 px."""
    folder = root / "jsrt"
    for path in sorted((folder / "images").glob("*.png")):
        image = _picture(path)
        planes = {
            name: _mask(folder / "masks" / name / f"{path.stem}.gif") for name in ("left_lung", "right_lung", "heart")
        }
        lungs, heart = planes["left_lung"] | planes["right_lung"], planes["heart"]
        size = image.shape[1::-1]
        regions = [cv2.resize(255 * plane, size, interpolation=cv2.INTER_AREA) > 127 for plane in (lungs, heart)]
        yield _sample("jsrt", path.stem, path.stem, image, regions)


def _shenzhen(root: Path) -> Iterator[Sample]:
    """Shenzhen No. 3 hospital's films (Jaeger et al. 2014): lungs only, half with tuberculosis."""
    folder = root / "shenzhen_lung"
    for path in sorted((folder / "images").iterdir()) if folder.exists() else ():
        lungs = _mask(next((folder / "masks").glob(f"{path.stem}*")), above=127)
        yield _sample(
            "shenzhen", path.stem, path.stem, _picture(path), [lungs, np.zeros_like(lungs)], known=(True, False)
        )


# Looking at the scans shows that these eleven come from six people (data's SOURCE.md).
_LITS_PATIENTS = {0: "A", 1: "A", 2: "B", 3: "C", 4: "D", 5: "E", 6: "F", 7: "F", 8: "F", 9: "F", 10: "F"}


def _lits(root: Path) -> Iterator[Sample]:
    """LiTS volumes 0 to 10 (Bilic et al. 2023): slices with the liver and its lesions."""
    folder = root / "lits11"
    for path in sorted((folder / "images").glob("*.png")):
        marked = np.asarray(Image.open(folder / "masks" / path.name))
        patient = _LITS_PATIENTS[int(path.stem.split("_")[0])]
        yield _sample("lits", path.stem, patient, _picture(path), [marked > 0, marked > 191])


def _msd(root: Path) -> Iterator[Sample]:
    """Medical Segmentation Decathlon's liver task (Antonelli et al. 2022): the lesion is not told from the liver."""
    folder = root / "msd_liver"
    for path in sorted((folder / "images").glob("*.jpg")):
        turned, volume, _ = path.stem.split("_")
        turn = 1 if turned == "flipped" else 3
        liver = np.ascontiguousarray(np.rot90(_mask(folder / "masks" / path.name, above=127), turn))
        image = np.ascontiguousarray(np.rot90(_picture(path), turn))
        yield _sample("msd", path.stem, volume, image, [liver, np.zeros_like(liver)], known=(True, False))


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset("drive-train", "retina", "train", _drive("training")),
        Dataset("drive-test", "retina", "test", _drive("test")),
        Dataset("drive-second", "retina", "test", _drive("test", "2nd_manual")),
        Dataset("stare", "retina", "test", _stare),
        Dataset("chasedb1", "retina", "test", _chase),
        Dataset("jsrt", "chest", "fifth", _jsrt),
        Dataset("shenzhen", "chest", "fifth", _shenzhen),
        Dataset("lits", "liver", "fifth", _lits),
        Dataset("msd", "liver", "fifth", _msd),
    )
}


def labels_of(sample: Sample) -> np.ndarray:
    """The mask that a perfect answer would be: uint8 (H, W) of label indices, later labels over earlier ones."""
    mask = np.zeros(sample.regions.shape[:2], np.uint8)
    for plane, label in enumerate(TASKS[DATASETS[sample.dataset].organ].labels):
        mask[sample.regions[..., plane] > 0] = label.index
    return mask


def _picture(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _mask(path: Path, above: int = 0) -> np.ndarray:
    """uint8 (H, W), 1 where the stored index is more than `above`: palettes give index 0 a colour of their own."""
    with Image.open(path) as picture:
        indices = np.asarray(picture)
    return ((indices if indices.ndim == 2 else indices[..., 0]) > above).astype(np.uint8)
