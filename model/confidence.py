"""How sure is an answer? Told from the network's probabilities, for each pixel and for the whole mask. No torch."""

from dataclasses import dataclass

import numpy as np

LEVELS = ("low", "medium", "high")
_WORDS_ZH = {
    "high": "把握较高：与评测中多数图片相当，仍请医生核对。",
    "medium": "把握一般：有标注比评测中四分之三的图片更难判断，请重点核对边界。",
    "low": "把握较低：有标注比评测中九成五的图片更难判断，或有脏器没有标出；标注很可能有错，请以原图为准。",
}


@dataclass(frozen=True)
class Confidence:
    """`level` is one of LEVELS; `expected_dice` has a share 0…1 for each label that was marked."""

    level: str
    expected_dice: dict[str, float]

    @property
    def text_zh(self) -> str:
        """What a person reads."""
        return _WORDS_ZH[self.level]


def pixelwise(probabilities: np.ndarray, thresholds: tuple[float, ...]) -> np.ndarray:
    """How far each pixel is from being decided otherwise: uint8 (h, w), 255 sure, 0 on a threshold.

    `probabilities` float (K, h, w); of several labels the least sure counts.
    """
    sure = np.ones(probabilities.shape[1:], np.float32)
    for plane, threshold in zip(probabilities, thresholds, strict=True):
        distance = np.where(plane < threshold, 1 - plane / threshold, (plane - threshold) / (1 - threshold))
        sure = np.minimum(sure, distance)
    return np.round(255 * sure).astype(np.uint8)


def expected_dice(plane: np.ndarray, threshold: float) -> float | None:
    """The Dice to expect were the probabilities (h, w) true ones: 2 Σp·m / (Σp + Σm), with m the mask at `threshold`.

    None when nothing is marked.
    """
    marked = plane >= threshold
    if not marked.any():
        return None
    return round(float(2 * plane[marked].sum() / (plane.sum() + marked.sum())), 4)


def judge(
    expected: dict[str, float], cutoffs: dict[str, tuple[float, float]], organs: tuple[str, ...] = ()
) -> Confidence:
    """The word for a mask is that of its least sure label; it is low where one of `organs`, or everything, is not
    marked, and for a label that the release was not judged on.

    `cutoffs` has, for each label, the expected Dice that 5 % and that 25 % of the judged images were below.
    """
    levels = [2] if expected and all(organ in expected for organ in organs) else [0]
    for label, value in expected.items():
        low, high = cutoffs.get(label, (1.0, 1.0))
        levels.append(0 if value < low else 1 if value < high else 2)
    return Confidence(LEVELS[min(levels)], expected)


def cutoffs(expected: list[float]) -> tuple[float, float]:
    """The 5th and the 25th percentile of what was expected on images that the release was judged on."""
    low, high = np.percentile(expected, [5, 25])
    return round(float(low), 4), round(float(high), 4)
