"""From a decoded picture to the network's input: numpy and OpenCV, the same code for training and serving."""

from dataclasses import asdict, dataclass, replace

import cv2
import numpy as np


@dataclass(frozen=True)
class FundusPreprocess:
    """How a fundus photo is brought to the network, stored in its release.

    `diameter_px` is the field of view's diameter that the network was trained at: other cameras are
    resampled to it, for vessel width in pixels is what the network knows. `background_px` is the sigma of the
    Gaussian that estimates the local background; what is divided out is uneven light and the camera's colour.
    """

    diameter_px: int = 540
    background_px: float = 24.0
    tolerance: float = 0.06
    planes = ("red", "green", "blue")

    def to_dict(self) -> dict:
        """The form kept in release.json."""
        return {"kind": "fundus", **asdict(self)}


@dataclass(frozen=True)
class GreyPreprocess:
    """How a chest film or a CT slice is brought to the network, stored in its release.

    The longer side becomes `side_px`. `local` is the sigma, as a share of that side, of the Gaussian over which local
    mean and contrast are taken out, and with them how a film was exposed or scanned: so what lies behind the heart and
    below the diaphragm is seen as well as the lungs. `clahe` is the clip limit of local histogram equalisation, which
    keeps more of what is bright and what is dark. 0 leaves either out; with both, the network is given two planes.
    """

    side_px: int = 256
    clahe: float = 0.0
    local: float = 0.0

    @property
    def planes(self) -> tuple[str, ...]:
        """What the network is given, plane by plane."""
        grey = "equalised" if self.clahe else "grey"
        return ("local",) * bool(self.local) + (grey,) * bool(self.clahe or not self.local)

    def to_dict(self) -> dict:
        """The form kept in release.json."""
        return {"kind": "grey", **asdict(self)}


Preprocess = FundusPreprocess | GreyPreprocess
_KINDS: dict[str, type[FundusPreprocess] | type[GreyPreprocess]] = {"fundus": FundusPreprocess, "grey": GreyPreprocess}


@dataclass(frozen=True)
class Prepared:
    """A picture ready for the network.

    `tensor` float32 (channels, h, w), zero outside the field of view; `fov` uint8 (h, w), 1 inside;
    `shape` is the (H, W) of the picture that came in, to which results return.
    """

    tensor: np.ndarray
    fov: np.ndarray
    shape: tuple[int, int]


def from_dict(preprocess: dict) -> Preprocess:
    """Read release.json's `preprocess`. Raises ValueError for a kind or key this code does not know."""
    settings = dict(preprocess)
    kind = settings.pop("kind", None)
    if kind not in _KINDS:
        raise ValueError(f"unknown preprocessing {kind!r}")
    try:
        return _KINDS[kind](**settings)
    except TypeError as error:
        raise ValueError(f"unknown preprocessing key: {error}") from error


def together(views: list[Preprocess]) -> Preprocess:
    """What gives the planes of all `views` at once, for networks that look at one picture in different ways. Raises
    ValueError when there is no such thing."""
    first = views[0]
    if all(view == first for view in views):
        return first
    grey = [view for view in views if isinstance(view, GreyPreprocess)]
    if len(grey) == len(views):
        clahe, local = max(view.clahe for view in grey), max(view.local for view in grey)
        both = GreyPreprocess(grey[0].side_px, clahe, local)
        halves = (both, replace(both, local=0.0), replace(both, clahe=0.0))
        if clahe and local and all(view in halves for view in grey):
            return both
    raise ValueError(f"networks that see a picture in these ways cannot be served together: {views}")


def prepare(image: np.ndarray, settings: Preprocess) -> Prepared:
    """`image` uint8 (H, W, 3) RGB → Prepared at the network's scale."""
    if isinstance(settings, GreyPreprocess):
        return _prepare_grey(image, settings)
    return _prepare_fundus(image, settings)


def _prepare_grey(image: np.ndarray, settings: GreyPreprocess) -> Prepared:
    shape = image.shape[:2]
    scale = settings.side_px / max(shape)
    size = max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    planes = []
    if settings.local:
        planes.append(_less_local(grey, size, settings.local * settings.side_px))
    if settings.clahe or not settings.local:
        planes.append(_standard(_resize(grey, size), settings.clahe))
    return Prepared(np.clip(np.stack(planes), -6, 6), np.ones(size[::-1], np.uint8), shape)


def _less_local(grey: np.ndarray, size: tuple[int, int], sigma: float) -> np.ndarray:
    """`grey` uint8 brought to `size`, less its local mean, by its local contrast: both of what is not black surround.

    Behind the heart a film has few grey levels, and rounding would leave steps of them. A large one is first brought
    near its size in whole levels, which the mean over 16 pixels makes good: floats would take four times its memory.
    """
    if grey.size > 16 * size[0] * size[1]:
        grey = _resize(grey, (4 * size[0], 4 * size[1]))
    fine = _resize(grey.astype(np.float32), size) / 255
    return _local(fine, (fine > 8 / 255).astype(np.float32), sigma, least=0.004)


def _standard(grey: np.ndarray, clahe: float) -> np.ndarray:
    """Grey values with mean 0 and deviation 1 over what is not black surround."""
    if clahe:
        grey = cv2.createCLAHE(clahe, (8, 8)).apply(grey)
    lit = grey[grey > 8]
    mean, deviation = (float(lit.mean()), float(lit.std())) if lit.size else (0.0, 1.0)
    return (grey.astype(np.float32) - mean) / max(deviation, 4.0)


def _resize(grey: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    smaller = size[0] * size[1] < grey.size
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def _prepare_fundus(image: np.ndarray, settings: FundusPreprocess) -> Prepared:
    shape = image.shape[:2]
    scale = settings.diameter_px / fov_diameter(field_of_view(image))
    if abs(scale - 1) > settings.tolerance:
        size = max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    fov = field_of_view(image)
    return Prepared(_normalise(image, fov, settings.background_px), fov, shape)


def field_of_view(image: np.ndarray) -> np.ndarray:
    """The lit area of a fundus photo. `image` uint8 (H, W, 3) RGB → uint8 (H, W), 1 inside.

    Found on a thumbnail (the edge is smooth, and a 50-megapixel photo must not cost seconds) as the largest
    lit component with its holes filled; a picture without a dark surround is all field of view.
    """
    height, width = image.shape[:2]
    ratio = min(1.0, 512 / max(height, width))
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).max(axis=2)
    small = cv2.medianBlur(np.ascontiguousarray(small), 5)
    lit = (small > max(12.0, 0.22 * float(np.percentile(small, 90)))).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(lit, connectivity=4)
    if count < 2:
        return np.ones((height, width), np.uint8)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    contours, _ = cv2.findContours((parts == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(lit)
    cv2.drawContours(filled, contours, -1, color=1, thickness=cv2.FILLED)
    return cv2.resize(filled, (width, height), interpolation=cv2.INTER_NEAREST)


def fov_diameter(fov: np.ndarray) -> float:
    """Diameter in px of the field of view: the larger extent, for cameras cut the disc above and below."""
    columns, rows = np.flatnonzero(fov.any(axis=0)), np.flatnonzero(fov.any(axis=1))
    if columns.size == 0:
        return float(max(fov.shape))
    return float(max(columns[-1] - columns[0], rows[-1] - rows[0]) + 1)


def restore(probability: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """One label's probability (h, w) at the network's scale → (H, W) of the picture that came in."""
    if probability.shape == shape:
        return probability
    return cv2.resize(probability, shape[::-1], interpolation=cv2.INTER_LINEAR)


def _normalise(image: np.ndarray, fov: np.ndarray, sigma: float) -> np.ndarray:
    """Subtract the local mean, divide by the local contrast, both over the field of view only."""
    weight = fov.astype(np.float32)
    planes = [_local(c.astype(np.float32) / 255 * weight, weight, sigma, 0.01) * weight for c in cv2.split(image)]
    return np.clip(np.stack(planes), -6, 6)


def _local(plane: np.ndarray, weight: np.ndarray, sigma: float, least: float) -> np.ndarray:
    """`plane` float32 (h, w) less its local mean, divided by its local contrast or by `least` where it has less. Both
    are taken where `weight` is 1."""
    area = np.maximum(_blur(weight, sigma), 1e-3)
    centred = plane - _blur(plane * weight, sigma) / area
    contrast = np.sqrt(_blur(centred * centred * weight, 2 * sigma) / area)
    return centred / np.maximum(contrast, least)


def _blur(plane: np.ndarray, sigma: float, step: int = 4) -> np.ndarray:
    """A wide Gaussian, taken on a plane `step` times smaller: what it leaves is too smooth to miss the difference."""
    height, width = plane.shape
    size = max(1, width // step), max(1, height // step)
    small = cv2.GaussianBlur(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / step)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
