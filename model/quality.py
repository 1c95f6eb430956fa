"""Is this picture fit to be segmented? Says no, or doubts aloud, before a mask is shown."""

from dataclasses import dataclass

import cv2
import numpy as np

from model import gate
from model.geometry import at_edge
from model.tasks import TASKS, Task

MIN_SIDE_PX = 200
# Of seven data sets' good pictures the least sharp has 0.21; blurred by 0.6 % of their side, the sharpest has 0.17.
BLURRED = 0.17


@dataclass(frozen=True)
class Quality:
    """`status` "ok", "doubtful" (segmented, with a warning) or "refused"; `reasons_zh` say why and what to do."""

    status: str
    reasons_zh: tuple[str, ...] = ()


def judge(organ: str, image: np.ndarray, fov: np.ndarray) -> Quality:
    """`organ` as in tasks.py; `image` uint8 (H, W, 3) RGB; `fov` uint8 (h, w), 1 inside the lit area."""
    if min(image.shape[:2]) < MIN_SIDE_PX:
        return Quality("refused", (f"图片太小，短边至少需要 {MIN_SIDE_PX} 像素，请上传原图。",))
    reduced = _reduced(image)
    small = cv2.resize(reduced, (256, 256), interpolation=cv2.INTER_AREA).astype(np.float32)
    if float(small.std(axis=(0, 1)).max()) < 4:
        return Quality("refused", ("图片几乎是一片纯色，看不到可以分割的内容，请检查后重新拍摄。",))
    task, verdict = TASKS[organ], gate.judge(organ, reduced)
    if verdict.likeness < gate.cutoffs()["refuse"]:
        return Quality("refused", (_unlike(task, verdict),))
    doubts = _doubt_fundus(small, fov) if organ == "retina" else _doubt_grey(small)
    if verdict.likeness < gate.cutoffs()["doubt"]:
        doubts.insert(0, _doubt_kind(task, verdict))
    if sharpness(reduced) < BLURRED:
        doubts.append("图片模糊，边界和细小结构可能不准，建议对焦后重新拍摄。")
    return Quality("doubtful" if doubts else "ok", tuple(doubts))


def judge_mask(before: Quality, organ: str, mask: np.ndarray) -> Quality:
    """Doubt as well what only the mask tells; `mask` uint8 (H, W) of label indices."""
    if organ == "chest" and at_edge(mask > 0):
        reason = "肺野或心影伸到了画面边缘，可能没有拍全或被裁剪，因此没有计算心胸比和肺野面积；请核对原片。"
        return Quality("doubtful", (*before.reasons_zh, reason))
    return before


def _reduced(image: np.ndarray) -> np.ndarray:
    """The picture at 512 px, once for all that is asked of it: 50 megapixels take a while to read."""
    height, width = image.shape[:2]
    ratio = 512 / max(height, width)
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)


def _doubt_kind(task: Task, verdict: gate.Verdict) -> str:
    if verdict.mend == "mirror":
        return f"这张{task.image_zh}像是左右翻转的，左右标注可能颠倒，结果可能不可靠；请核对方向标记。"
    return f"这张图片不太像{task.image_zh}，结果可能不可靠。"


def _unlike(task: Task, verdict: gate.Verdict) -> str:
    if verdict.mend == "invert":
        return f"这张图片像是黑白反转的{task.image_zh}，请先反转（正像显示）再提交。"
    if verdict.mend in ("turn", "mirror"):
        return f"这张{task.image_zh}的方向可能不对，请旋转（或左右翻转）到正常方向后再提交。"
    if verdict.kind is not None:
        return f"这张图片更像{TASKS[verdict.kind].image_zh}，不像{task.image_zh}。如果选错了部位，请改选后重新提交。"
    return f"这张图片不像{task.image_zh}。请确认上传的是{task.image_zh}，而不是截图、文档或其他照片。"


def sharpness(reduced: np.ndarray) -> float:
    """How strong fine detail is beside broad detail on a 512 px picture's lit area; a blurred one has little."""
    grey = cv2.cvtColor(reduced, cv2.COLOR_RGB2GRAY).astype(np.float32)
    lit = cv2.erode((grey > 20).astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    if not lit.any():
        return 0.0
    soft, softer = cv2.GaussianBlur(grey, (0, 0), 1.5), cv2.GaussianBlur(grey, (0, 0), 8)
    return float((grey - soft)[lit].std() / max(float((soft - softer)[lit].std()), 0.1))


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
    if min(red, green) > 190:
        doubts.append("图片过亮，血管可能被淹没，建议减小曝光后重新拍摄。")
    if max(red, green) < 40:
        doubts.append("图片偏暗，细小血管可能漏检。")
    return doubts
