"""From a mask to statements with a number and a unit. Hedged, never a diagnosis."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Finding:
    """One measured statement. `value` in `unit`; `text_zh` is what a person reads."""

    code: str
    name_zh: str
    value: float
    unit: str
    text_zh: str


def measure(organ: str, mask: np.ndarray, fov: np.ndarray) -> list[Finding]:
    """The findings of one picture. `mask` uint8 (H, W); `fov` uint8 (h, w), 1 where there is picture."""
    if organ == "retina":
        return [vessel_density(mask, fov)]
    return []


def vessel_density(mask: np.ndarray, fov: np.ndarray) -> Finding:
    """Share of the field of view that is vessel, in percent.

    Both are measured at the field of view's own scale by area, so that the figure does not hang on the
    picture's resolution.
    """
    vessel = (mask == 1).astype(np.float32)
    if vessel.shape != fov.shape:
        vessel = cv2.resize(vessel, fov.shape[::-1], interpolation=cv2.INTER_AREA)
    density = round(100 * float(vessel[fov > 0].sum()) / max(1, int((fov > 0).sum())), 1)
    text = f"视野内血管面积约占 {density} %（自动测量，仅供医生参考，不能作为诊断）。"
    return Finding("vessel_density", "血管密度", density, "%", text)
