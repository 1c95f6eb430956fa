"""Shapes in masks: parts, outlines, longest axes, centre lines. numpy and OpenCV, in pixels."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

Point = tuple[float, float]


def parts(plane: np.ndarray, least: float = 0.0) -> list[np.ndarray]:
    """The connected parts of a bool plane (H, W), largest first, without those of fewer than `least` pixels."""
    count, labelled, stats, _ = cv2.connectedComponentsWithStats(plane.astype(np.uint8))
    order = sorted(range(1, count), key=lambda index: -stats[index, cv2.CC_STAT_AREA])
    return [labelled == index for index in order if stats[index, cv2.CC_STAT_AREA] >= max(1, least)]


def at_edge(plane: np.ndarray) -> bool:
    """Does a bool plane (H, W) reach the picture's edge?"""
    return bool(plane[[0, -1]].any() or plane[:, [0, -1]].any())


def outline(part: np.ndarray) -> list[Point]:
    """The outer contour of one part, (x, y) of its pixels' centres, simplified to half a pixel."""
    contours, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = cv2.approxPolyDP(max(contours, key=len), 0.5, closed=True)
    return [(float(x), float(y)) for x, y in contour.reshape(-1, 2)]


def long_axis(part: np.ndarray) -> tuple[Point, Point]:
    """The two pixels of a part that lie furthest from each other, (x, y)."""
    contours, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(np.vstack(contours)).reshape(-1, 2).astype(float)
    apart = np.linalg.norm(hull[:, None] - hull[None], axis=2)
    first, last = np.unravel_index(apart.argmax(), apart.shape)
    start, end = hull[first].tolist(), hull[last].tolist()
    return (start[0], start[1]), (end[0], end[1])


def widest_row(plane: np.ndarray) -> tuple[Point, Point] | None:
    """The ends (x, y) of the row of a bool plane whose first and last pixels are furthest apart."""
    rows = np.flatnonzero(plane.any(axis=1))
    if rows.size == 0:
        return None
    first = plane[rows].argmax(axis=1)
    last = plane.shape[1] - 1 - plane[rows, ::-1].argmax(axis=1)
    at = int((last - first).argmax())
    return (float(first[at]), float(rows[at])), (float(last[at]), float(rows[at]))


@dataclass(frozen=True)
class CentreLines:
    """Of a plane of thin shapes: their mean `calibre_px`, which is area over length; for each unbranched piece that
    is long enough, its `lengths_px` along the line and its `chords_px` from end to end."""

    calibre_px: float
    lengths_px: np.ndarray
    chords_px: np.ndarray


def centre_lines(plane: np.ndarray, least_px: float = 20.0) -> CentreLines:
    """Thin (Zhang and Suen 1984) and cut a bool plane (H, W) at its branchings; those under `least_px` tell little."""
    thin = cv2.ximgproc.thinning(plane.astype(np.uint8) * 255) > 0
    branching = cv2.dilate((thin & (_ways(thin) > 2)).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    lengths, chords, pixels = [], [], 0
    count, labelled = cv2.connectedComponents((thin & ~branching).astype(np.uint8), connectivity=8)
    ys, xs = np.nonzero(labelled)
    order = np.argsort(labelled[ys, xs], kind="stable")
    starts = np.searchsorted(labelled[ys, xs][order], np.arange(1, count + 1))
    for first, last in pairwise(starts):
        walked = _walk(np.stack([xs, ys], axis=1)[order[first:last]])
        if len(walked) > 1:
            length, chord = _length(walked), float(np.linalg.norm(walked[-1] - walked[0]))
            if length >= least_px and chord > least_px / 4:
                lengths.append(length)
                chords.append(chord)
                pixels += len(walked) - 1
    # How long a step from pixel to pixel is, on the pieces, gives the length of all lines with their branchings.
    whole = float(thin.sum()) * sum(lengths) / max(1, pixels)
    return CentreLines(float(plane.sum()) / whole if whole else 0.0, np.array(lengths), np.array(chords))


def _ways(thin: np.ndarray) -> np.ndarray:
    """In how many directions a line leaves each pixel: runs of set pixels on the way around it (crossing number)."""
    ring = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    padded = np.pad(thin, 1)
    height, width = thin.shape
    around = [padded[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in ring]
    return np.sum([~before & after for before, after in zip([around[-1], *around[:-1]], around, strict=True)], axis=0)


def _walk(pixels: np.ndarray) -> np.ndarray:
    """Pixels (n, 2) of an unbranched line, from one of its ends to the other."""
    left = {(int(x), int(y)) for x, y in pixels}
    degree = {p: sum((p[0] + i, p[1] + j) in left for i in (-1, 0, 1) for j in (-1, 0, 1)) - 1 for p in left}
    here = min(left, key=lambda p: (degree[p], p))
    path = [here]
    left.remove(here)
    # A step to the side before one across the corner: thinning may leave a corner's both pixels.
    steps = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)]
    while following := next((p for i, j in steps if (p := (here[0] + i, here[1] + j)) in left), None):
        here = following
        path.append(here)
        left.remove(here)
    return np.array(path, float)


def _length(path: np.ndarray, window: int = 5) -> float:
    """Length of a path of pixels (n, 2); smoothed first, for stairs are longer than the slope they stand for."""
    smooth = np.stack([np.convolve(path[:, axis], np.ones(window) / window, "valid") for axis in (0, 1)], axis=1)
    if len(path) <= window:
        smooth = path[1:-1]
    joined = np.vstack([path[:1], smooth, path[-1:]])
    return float(np.linalg.norm(np.diff(joined, axis=0), axis=1).sum())
