"""From a mask to statements with a number and a unit. Hedged, never a diagnosis."""

from dataclasses import dataclass

import cv2
import numpy as np

from model.geometry import Point, at_edge, centre_lines, long_axis, outline, parts, widest_row
from model.preprocess import fov_diameter

_HEDGE = "（自动测量，仅供医生参考）"
_LONGEST_PX = 1024  # masks are measured no larger than this: a 50-megapixel one would cost seconds and tell no more


@dataclass(frozen=True)
class Stroke:
    """What a finding draws on the picture: points (x, y) in the picture's pixels; `closed` for an outline."""

    points: tuple[Point, ...]
    closed: bool = False


@dataclass(frozen=True)
class Finding:
    """One measured statement. `value` in `unit`; `text_zh` is what a person reads; `strokes` show what was measured."""

    code: str
    name_zh: str
    value: float
    unit: str
    text_zh: str
    strokes: tuple[Stroke, ...] = ()


def measure(
    organ: str, mask: np.ndarray, fov: np.ndarray, pixel_mm: float | None = None, by_hand: bool = False
) -> list[Finding]:
    """The findings of one picture.

    `mask` uint8 (H, W) of label indices; `fov` uint8 (h, w), 1 where there is picture, at the network's scale;
    `pixel_mm` the side of one of the mask's pixels, when it is known: areas and lengths are metric then. `by_hand`:
    a person has drawn it, so nothing is said of how often the model errs.
    """
    if organ == "retina":
        vessels = _at(mask == 1, fov.shape) & (fov > 0)
        return [vessel_density(vessels, fov), *vessel_shape(vessels, fov)]
    shrink = max(1.0, max(mask.shape) / _LONGEST_PX)
    shape = round(mask.shape[0] / shrink), round(mask.shape[1] / shrink)
    small = cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_NEAREST)
    scale = Scale(shrink, small.size, pixel_mm * shrink if pixel_mm else None)
    if organ == "chest" and at_edge(mask > 0):
        return []  # not wholly seen, which quality.judge_mask says: a heart cut off below was measured as a small one
    if organ == "chest":
        return [*cardiothoracic_ratio(small == 2, small == 3, scale), *lung_areas(small == 2, scale)]
    return liver(small > 0, small == 2, scale, by_hand)


@dataclass(frozen=True)
class Scale:
    """Of the plane that is measured: pixels of the picture to one of its own, how many it has, and a pixel's side."""

    shrink: float
    pixels: int
    pixel_mm: float | None = None

    def stroke(self, points: list[Point], closed: bool = False) -> Stroke:
        return Stroke(
            tuple((round(float(x) * self.shrink, 1), round(float(y) * self.shrink, 1)) for x, y in points), closed
        )

    def area(self, pixels: float) -> tuple[float, str, str]:
        """(value, unit, words before the value)."""
        if self.pixel_mm:
            return round(float(pixels) * self.pixel_mm**2 / 100, 1), "cm²", "约"
        return round(100 * float(pixels) / self.pixels, 1), "%", "约占画面的"

    def length(self, pixels: float) -> tuple[float, str]:
        if self.pixel_mm:
            return round(pixels * self.pixel_mm, 1), "mm"
        return round(pixels * self.shrink, 1), "px"


def vessel_density(vessels: np.ndarray, fov: np.ndarray) -> Finding:
    """Share of the field of view that is vessel, in percent. Both (h, w), at the network's scale."""
    density = round(100 * float(vessels.sum()) / max(1, int((fov > 0).sum())), 1)
    text = f"视野内血管面积约占 {density} %{_HEDGE}。"
    return Finding("vessel_density", "血管密度", density, "%", text)


def vessel_shape(vessels: np.ndarray, fov: np.ndarray) -> list[Finding]:
    """Mean calibre as thousandths of the field of view's diameter, for a photo tells no millimetres; and tortuosity,
    the length of the pieces between branchings over their chords' (arc over chord, Hart et al. 1999)."""
    lines = centre_lines(vessels)
    if lines.lengths_px.size == 0:
        return []
    calibre = round(1000 * lines.calibre_px / fov_diameter(fov), 1)
    tortuosity = round(float(lines.lengths_px.sum() / lines.chords_px.sum()), 3)
    return [
        Finding(
            "vessel_calibre",
            "平均管径",
            calibre,
            "‰ 视野宽",
            f"血管平均管径约为视野宽度的 {calibre} ‰；照片没有毫米刻度，只宜与同一相机的照片比较{_HEDGE}。",
        ),
        Finding(
            "vessel_tortuosity",
            "迂曲度",
            tortuosity,
            "弧弦比",
            f"血管走行长度与两端直线距离之比约为 {tortuosity}，1 为笔直{_HEDGE}。",
        ),
    ]


def cardiothoracic_ratio(lungs: np.ndarray, heart: np.ndarray, scale: Scale) -> list[Finding]:
    """The heart's greatest width over the thorax's (Danzer 1919), when the one lies in the other; bool planes (h, w).

    The heart's width is the sum of its reaches to both sides of the thorax's middle, each drawn at its own height.
    """
    thorax = widest_row(lungs)
    if thorax is None or not heart.any():
        return []
    (left, row), (right, _) = thorax
    columns = np.flatnonzero(heart.any(axis=0))
    first, last = int(columns[0]), int(columns[-1])
    middle = (left + right) / 2
    if not left < first < middle < last < right:
        return []
    ratio = round((last - first + 1) / (right - left + 1), 2)
    rows = [float(np.flatnonzero(heart[:, column]).mean()) for column in (first, last)]
    strokes = (
        scale.stroke([(left, row), (right, row)]),
        scale.stroke([(float(first), rows[0]), (middle, rows[0])]),
        scale.stroke([(middle, rows[1]), (float(last), rows[1])]),
    )
    text = (
        f"心脏最大横径与胸廓最大横径之比约为 {ratio}。成人立位后前位片常以 0.50 为参考；"
        f"卧位、吸气不足或体位旋转会使它偏大{_HEDGE}。"
    )
    return [Finding("cardiothoracic_ratio", "心胸比", ratio, "比值", text, strokes)]


def lung_areas(lungs: np.ndarray, scale: Scale) -> list[Finding]:
    """The area of each lung field and by how much they differ; nothing unless there are two, side by side."""
    pieces = parts(lungs, least=0.01 * lungs.size)
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    if pieces:
        middle = np.flatnonzero(np.any(pieces, axis=0).any(axis=0))[[0, -1]].mean()
        for piece in pieces:  # disease can leave a lung marked in more than one
            sides[int(np.nonzero(piece)[1].mean() > middle)].append(piece)
    if not all(sides):
        return []
    ends, starts = (np.flatnonzero(np.any(side, axis=0).any(axis=0)) for side in sides)
    if ends[-1] >= starts[0]:
        return []
    left, right = (float(np.sum(side)) for side in sides)
    out = []
    for side, name, area in (("left", "图左侧肺野", left), ("right", "图右侧肺野", right)):
        value, unit, words = scale.area(area)
        out.append(Finding(f"lung_area_{side}", name, value, unit, f"{name}面积{words} {value} {unit}{_HEDGE}。"))
    difference = round(100 * abs(left - right) / max(left, right), 1)
    smaller = "左" if left < right else "右"
    text = f"两侧肺野面积相差约 {difference} %，较小的一侧在图的{smaller}边。心影、膈肌高低与体位都会造成差异{_HEDGE}。"
    return [*out, Finding("lung_asymmetry", "两肺面积差", difference, "%", text)]


def liver(organ: np.ndarray, lesions: np.ndarray, scale: Scale, by_hand: bool) -> list[Finding]:
    """The liver's area in this slice; the suspected lesions counted and outlined, the largest one's long axis drawn.

    `organ` bool (h, w) with the lesions in it; specks under 0.005 % of the picture are no lesions.
    """
    if not organ.any():
        return []
    value, unit, words = scale.area(organ.sum())
    out = [Finding("liver_area", "肝脏面积", value, unit, f"这一层面的肝脏面积{words} {value} {unit}{_HEDGE}。")]
    found = parts(lesions, least=5e-5 * lesions.size)
    outlines = tuple(scale.stroke(outline(part), closed=True) for part in found)
    if not found:
        missed = "" if by_hand else "；小的病灶可能漏标，不能据此排除"
        text = f"这一层面没有标出疑似病灶{missed}{_HEDGE}。"
        return [*out, Finding("lesion_count", "疑似病灶", 0, "处", text)]
    share = round(100 * float(sum(part.sum() for part in found)) / float(organ.sum()), 1)
    wrong = "" if by_hand else "；其中多数会是血管、胆囊等的误标"
    text = f"这一层面标出 {len(found)} 处疑似病灶，合计约占肝脏面积的 {share} %{wrong}{_HEDGE}。"
    out.append(Finding("lesion_count", "疑似病灶", len(found), "处", text, outlines))
    ends = max((long_axis(part) for part in found), key=_apart)
    length, unit = scale.length(_apart(ends) + 1)
    text = f"最大一处疑似病灶的长径约 {length} {unit}{_HEDGE}。"
    return [*out, Finding("lesion_long_axis", "最大病灶长径", length, unit, text, (scale.stroke(list(ends)),))]


def liver_volume(areas_cm2: list[float], pixel_mm: float | None, slice_mm: float | None) -> list[Finding]:
    """The liver's volume from its areas in neighbouring slices; nothing unless the spacing of both is known."""
    if not areas_cm2 or pixel_mm is None or slice_mm is None:
        return []
    volume = round(sum(areas_cm2) * slice_mm / 10, 1)
    text = f"{len(areas_cm2)} 个层面合计的肝脏体积约 {volume} ml，仅含已提交的层面{_HEDGE}。"
    return [Finding("liver_volume", "肝脏体积", volume, "ml", text)]


def _apart(ends: tuple[Point, Point]) -> float:
    return float(np.hypot(ends[0][0] - ends[1][0], ends[0][1] - ends[1][1]))


def _at(plane: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A bool plane at another shape: a pixel is set when most of it is covered."""
    if plane.shape == shape:
        return plane
    small = cv2.resize(plane.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA)
    return small >= 0.5
