"""Is this picture fit to be segmented? Says no, or doubts aloud, before a mask is shown."""

from dataclasses import dataclass

import cv2
import numpy as np

MIN_SIDE_PX = 200


@dataclass(frozen=True)
class Quality:
    """`status` "ok", "doubtful" (segmented, with a warning) or "refused"; `reasons_zh` say why and what to do."""

    status: str
    reasons_zh: tuple[str, ...] = ()


def judge(organ: str, image: np.ndarray, fov: np.ndarray) -> Quality:
    """`organ` as in tasks.py; `image` uint8 (H, W, 3) RGB; `fov` uint8 (h, w), 1 inside the lit area."""
    if min(image.shape[:2]) < MIN_SIDE_PX:
        return Quality("refused", (f"图片太小，短边至少需要 {MIN_SIDE_PX} 像素，请上传原图。",))
    small = cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA).astype(np.float32)
    if float(small.std(axis=(0, 1)).max()) < 4:
        return Quality("refused", ("图片几乎是一片纯色，看不到可以分割的内容，请检查后重新拍摄。",))
    doubts = _doubt_fundus(small, fov) if organ == "retina" else _doubt_grey(small)
    return Quality("doubtful" if doubts else "ok", tuple(doubts))


def _doubt_grey(small: np.ndarray) -> list[str]:
    """Films and CT slices are grey; `small` float32 (256, 256, 3)."""
    doubts = []
    if float((small.max(axis=2) - small.min(axis=2)).mean()) > 40:
        doubts.append("这张图片是彩色的，不像胸片或 CT，结果可能不可靠。")
    grey = small.mean(axis=2)
    if float(grey.std()) < 20:
        doubts.append("图片对比度很低，结果可能不可靠，建议重新拍摄或导出。")
    return doubts


def _doubt_fundus(small: np.ndarray, fov: np.ndarray) -> list[str]:
    """`small` float32 (256, 256, 3); `fov` uint8 (h, w)."""
    doubts = []
    lit = fov.mean()
    if lit > 0.97:
        doubts.append("没有找到眼底照片应有的圆形视野，这张图片可能不是完整的眼底彩照。")
    elif lit < 0.25:
        doubts.append("有效视野过小，可能遮挡或曝光不足，建议重新拍摄。")
    red, green, blue = small[cv2.resize(fov, (256, 256), interpolation=cv2.INTER_NEAREST) > 0].mean(axis=0)
    if red <= max(green, blue):
        doubts.append("颜色不像眼底彩照（通常偏红），结果可能不可靠。")
    if max(red, green) < 40:
        doubts.append("图片偏暗，细小血管可能漏检。")
    return doubts
