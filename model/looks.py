"""The same picture looked at several times, and the mean of what is seen. numpy and OpenCV, no torch.

In the careful mode, what a network has learned mirrored is mirrored. A film never is, for the side tells the organ: it
is turned, scaled and moved a little instead, by less than in training, and always, for a film is small and soon seen.
"""

from collections.abc import Callable
from itertools import combinations

import cv2
import numpy as np

# float32 (C, h, w) → probabilities float32 (K, h, w)
Look = Callable[[np.ndarray], np.ndarray]

# Turned by degrees, scaled, moved right and down by shares of the longer side.
LEANS = (
    (0, 1.0, 0.0, 0.0),
    (-5, 1.0, 0.0, 0.0),
    (5, 1.0, 0.0, 0.0),
    (0, 0.9, 0.0, 0.0),
    (0, 1.1, 0.0, 0.0),
    (0, 1.0, -0.03, -0.03),
    (0, 1.0, -0.03, 0.03),
    (0, 1.0, 0.03, -0.03),
    (0, 1.0, 0.03, 0.03),
)


def mirrored(look: Look, tensor: np.ndarray, flips: str) -> np.ndarray:
    """The mean over all combinations of `flips`, "x" and "y": "xy" gives four looks."""
    axes = [{"x": 2, "y": 1}[flip] for flip in flips]
    mirrors = [chosen for count in range(len(axes) + 1) for chosen in combinations(axes, count)]
    return np.mean([np.flip(look(np.flip(tensor, mirror)), mirror) for mirror in mirrors], axis=0)


def leaning(look: Look, tensor: np.ndarray) -> np.ndarray:
    """The mean over LEANS; a pixel that one of them moves out of the picture is left to the others."""
    height, width = tensor.shape[1:]
    frame, sums = np.ones_like(tensor[:1]), []
    for turn, scale, right, down in LEANS:
        move = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, scale)
        move[:, 2] += np.array([right, down]) * max(height, width)
        inside = _moved(frame, move)
        seen = np.concatenate([look(_moved(tensor, move)) * inside, inside])
        sums.append(_moved(seen, move, back=True))
    total = np.sum(sums, axis=0)
    return total[:-1] / total[-1:]


def _moved(planes: np.ndarray, move: np.ndarray, back: bool = False) -> np.ndarray:
    """`planes` float32 (K, h, w) under the affine map `move`, or its inverse; 0 from outside, as in training."""
    how = cv2.INTER_LINEAR | (cv2.WARP_INVERSE_MAP if back else 0)
    return np.stack([cv2.warpAffine(plane, move, plane.shape[::-1], flags=how) for plane in planes])
