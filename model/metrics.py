"""The figures of one image and their means: boolean masks and probabilities in, numbers out. No torch here."""

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt
from sklearn.metrics import roc_auc_score

Figures = dict[str, float]


def confusion(marked: np.ndarray, truth: np.ndarray) -> Figures:
    """Overlap figures of two boolean arrays of the same shape. Dice and F1 are one and the same."""
    tp, fp = float((marked & truth).sum()), float((marked & ~truth).sum())
    fn, tn = float((~marked & truth).sum()), float((~marked & ~truth).sum())
    total = tp + fp + fn + tn
    accuracy = (tp + tn) / total
    chance = ((tp + fp) * (tp + fn) + (fn + tn) * (fp + tn)) / total**2
    iou, iou_background = tp / max(1, tp + fp + fn), tn / max(1, tn + fp + fn)
    return {
        "dice": 2 * tp / max(1, 2 * tp + fp + fn),
        "iou": iou,
        "miou": (iou + iou_background) / 2,
        "accuracy": accuracy,
        "kappa": (accuracy - chance) / (1 - chance) if chance < 1 else 0.0,
        "sensitivity": tp / max(1, tp + fn),
        "specificity": tn / max(1, tn + fp),
    }


def ranking(probability: np.ndarray, truth: np.ndarray, bins: int = 15) -> Figures:
    """Area under the ROC curve, and the expected calibration error (Guo et al. 2017) over `bins` equal bins."""
    edges = np.minimum((probability * bins).astype(int), bins - 1)
    count = np.bincount(edges, minlength=bins)
    gap = np.abs(np.bincount(edges, probability, bins) - np.bincount(edges, truth, bins))
    return {"auc": float(roc_auc_score(truth, probability)), "ece": float(gap[count > 0].sum() / count.sum())}


def hd95(marked: np.ndarray, truth: np.ndarray) -> float:
    """Distance in px within which 95 % of both outlines' points find the other (H, W); nan when one is empty."""
    outlines = [_outline(plane) for plane in (marked, truth)]
    if not all(outline.any() for outline in outlines):
        return float("nan")
    far = [distance_transform_edt(~outline) for outline in outlines]
    both = np.concatenate([far[1][outlines[0]], far[0][outlines[1]]])
    return float(np.percentile(both, 95))


def lesionwise(marked: np.ndarray, truth: np.ndarray, least_px: int = 10) -> tuple[int, int, int, int]:
    """Lesions (found, true, right, marked): a true one is found when any of it is marked, and the other way round."""
    found, true = _hits(truth, marked, least_px)
    right, said = _hits(marked, truth, least_px)
    return found, true, right, said


def summary(rows: list[Figures]) -> dict[str, dict[str, float]]:
    """Each figure's mean over the rows, with its interval; a figure that no row has is left out."""
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    known = {key: values[~np.isnan(values)] for key, values in columns.items()}
    return {key: bootstrap(values) for key, values in known.items() if values.size}


def bootstrap(values: np.ndarray, draws: int = 2000) -> dict[str, float]:
    """Mean of `values` (n,) with its 95 % interval by drawing them again with replacement."""
    drawn = np.random.default_rng(0).integers(len(values), size=(draws, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    return {"mean": _short(values.mean()), "low": _short(low), "high": _short(high), "n": len(values)}


def _outline(plane: np.ndarray) -> np.ndarray:
    inner = cv2.erode(plane.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    return plane & (inner == 0)


def _hits(parts: np.ndarray, other: np.ndarray, least_px: int) -> tuple[int, int]:
    count, labelled, stats, _ = cv2.connectedComponentsWithStats(parts.astype(np.uint8))
    kept = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] >= least_px]
    touched = set(np.unique(labelled[other]).tolist())
    return sum(i in touched for i in kept), len(kept)


def _short(value: float) -> float:
    return round(float(value), 4)
