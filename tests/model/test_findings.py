"""Findings against what a hand would measure: on drawn shapes, and on the manual masks of the data sets."""

import json
from dataclasses import asdict

import cv2
import numpy as np
import pytest

from model.datasets import labels_of, load
from model.findings import Finding, liver_volume, measure
from model.geometry import centre_lines, long_axis, outline, parts

Y, X = np.mgrid[:400, :400].astype(float)


def by_code(organ: str, mask: np.ndarray, pixel_mm: float | None = None) -> dict[str, Finding]:
    fov = np.ones(mask.shape, np.uint8)
    return {finding.code: finding for finding in measure(organ, mask.astype(np.uint8), fov, pixel_mm)}


def film(heart: int = 120) -> np.ndarray:
    """Two lungs from column 60 to 339 and, between them, a heart `heart` pixels wide."""
    mask = np.zeros((400, 400), np.uint8)
    mask[80:300, 60:150] = 2
    mask[100:280, 250:340] = 2
    mask[200:290, 190 - heart // 2 : 190 - heart // 2 + heart] = 3
    return mask


@pytest.mark.parametrize("width", [3, 5, 8])
def test_calibre_of_a_slanting_vessel(width):
    across = np.abs(Y * np.cos(0.5) - X * np.sin(0.5) - 30)
    lines = centre_lines(across < width / 2)
    assert lines.calibre_px == pytest.approx(width, rel=0.08)
    assert lines.lengths_px[0] / lines.chords_px[0] == pytest.approx(1, abs=0.01)


def test_tortuosity_of_a_half_circle():
    ring = (np.abs(np.hypot(X - 200, Y - 200) - 120) < 2) & (Y > 200)
    lines = centre_lines(ring)
    assert len(lines.lengths_px) == 1
    assert lines.lengths_px[0] / lines.chords_px[0] == pytest.approx(np.pi / 2, rel=0.02)


def test_vessels_are_cut_at_their_branchings():
    plane = np.zeros((200, 200), np.uint8)
    cv2.line(plane, (10, 100), (190, 100), 1, 3)
    cv2.line(plane, (100, 100), (100, 190), 1, 3)
    assert sorted(np.round(centre_lines(plane > 0).lengths_px, -1)) == [90, 90, 90]


def test_cardiothoracic_ratio_by_hand():
    ratio = by_code("chest", film(112))["cardiothoracic_ratio"]
    assert ratio.value == pytest.approx(112 / 280, abs=0.005)
    thorax, right, left = ratio.strokes
    assert (thorax.points[0][0], thorax.points[1][0]) == (60, 339)
    assert left.points[1][0] - right.points[0][0] == 111
    assert right.points[1][0] == left.points[0][0] == pytest.approx(199.5)


@pytest.mark.parametrize("spoilt", ["no heart", "cut off", "cut off below", "one lung"])
def test_no_ratio_where_it_would_mislead(spoilt):
    mask = film()
    if spoilt == "no heart":
        mask[mask == 3] = 0
    elif spoilt == "cut off":
        mask = mask[:, 70:]
    elif spoilt == "cut off below":  # the heart's greatest width is lost, its place in the thorax is not
        cv2.fillPoly(mask, [np.array([[150, 180], [250, 180], [320, 320], [110, 320]])], 3)
        mask = mask[:250]
    else:
        mask[:, 240:] = 0
    assert "cardiothoracic_ratio" not in by_code("chest", mask)


def test_lung_areas_by_hand():
    found = by_code("chest", film(80))
    left, right = 220 * 90 / 1600, 180 * 90 / 1600
    assert found["lung_area_left"].value == pytest.approx(left, abs=0.06)
    assert found["lung_area_right"].value == pytest.approx(right, abs=0.06)
    assert found["lung_asymmetry"].value == pytest.approx(100 * (1 - 180 / 220), abs=0.06)
    assert "图的右边" in found["lung_asymmetry"].text_zh
    metric = by_code("chest", film(80), pixel_mm=0.9)["lung_area_left"]
    assert (metric.value, metric.unit) == (pytest.approx(220 * 90 * 0.81 / 100, abs=0.06), "cm²")


def test_a_lung_marked_in_pieces_is_one_lung():
    whole, broken = film(80), film(80)
    broken[180:184, 60:150] = 0
    expected, found = by_code("chest", whole), by_code("chest", broken)
    lost = 4 * 90 / 1600
    assert found["lung_area_left"].value == pytest.approx(expected["lung_area_left"].value - lost, abs=0.06)
    assert found["lung_area_right"].value == expected["lung_area_right"].value
    broken[:, 240:] = 0  # and is not taken for two
    assert "lung_asymmetry" not in by_code("chest", broken)


def test_calibre_is_of_the_whole_disc_however_the_photo_is_turned():
    """Cameras cut the field of view's disc above and below."""
    vessels = (np.abs((Y - 200) * np.cos(0.3) - (X - 200) * np.sin(0.3)) < 2.5).astype(np.uint8)
    fov = ((np.hypot(X - 200, Y - 200) < 195) & (np.abs(Y - 200) < 150)).astype(np.uint8)
    upright, turned = (measure("retina", np.rot90(vessels, k), np.rot90(fov, k))[1].value for k in (0, 1))
    assert upright == pytest.approx(1000 * 5 / 390, rel=0.1)
    assert turned == pytest.approx(upright, rel=0.02)


def test_a_drawn_mask_is_not_told_how_often_the_model_errs():
    for mask in (np.ones((200, 200), np.uint8), np.full((200, 200), 2, np.uint8)):
        fov = np.ones((200, 200), np.uint8)
        told, drawn = (
            {f.code: f.text_zh for f in measure("liver", mask, fov, by_hand=by_hand)} for by_hand in (False, True)
        )
        assert any(word in told["lesion_count"] for word in ("误标", "漏标"))
        assert not any(word in drawn["lesion_count"] for word in ("误标", "漏标"))


def test_lesions_counted_sized_outlined():
    mask = ((X - 150) ** 2 + (Y - 200) ** 2 < 110**2).astype(np.uint8)
    mask[190:200, 100:130] = 2
    mask[250:256, 150:156] = 2
    mask[160, 160] = 2  # a speck
    found = by_code("liver", mask, pixel_mm=0.8)
    assert found["liver_area"].value == pytest.approx((mask > 0).sum() * 0.64 / 100, abs=0.06)
    count = found["lesion_count"]
    assert (count.value, len(count.strokes)) == (2, 2)
    assert all(stroke.closed for stroke in count.strokes)
    xs = [x for x, _ in count.strokes[0].points]
    assert (min(xs), max(xs)) == (100, 129)
    axis = found["lesion_long_axis"]
    assert axis.value == pytest.approx((np.hypot(29, 9) + 1) * 0.8, abs=0.06)
    assert axis.unit == "mm"


def test_liver_volume_by_hand():
    slab = np.zeros((200, 200), np.uint8)
    slab[50:150, 50:150] = 1
    areas = [by_code("liver", slab, pixel_mm=0.7)["liver_area"].value] * 10
    volume = liver_volume(areas, 0.7, 5)[0]
    assert (volume.value, volume.unit) == (pytest.approx(100 * 100 * 0.49 * 50 / 1000, abs=0.1), "ml")
    assert liver_volume(areas, None, 5) == liver_volume(areas, 0.7, None) == liver_volume([], 0.7, 5) == []


def test_strokes_are_in_the_pictures_own_pixels():
    large = film().repeat(10, axis=0).repeat(10, axis=1)
    small, big = (by_code("chest", mask)["cardiothoracic_ratio"] for mask in (film(), large))
    assert big.value == pytest.approx(small.value, abs=0.01)
    assert big.strokes[0].points[0][0] == pytest.approx(10 * small.strokes[0].points[0][0], abs=12)


def test_an_empty_mask_finds_nothing_to_draw():
    for organ in ("retina", "chest", "liver"):
        for finding in measure(organ, np.zeros((300, 300), np.uint8), np.ones((300, 300), np.uint8)):
            assert (finding.value, finding.strokes) == (0, ())


def test_on_manual_masks(labelled):
    """The same figures taken another way: column sums for the ratio, component statistics for the lesions."""
    for film_ in load(labelled, ("jsrt",))[:20]:
        lungs, heart = film_.regions[..., 0], film_.regions[..., 1]
        mask = labels_of(film_)
        spans = [np.flatnonzero(row) for row in (mask == 2) if row.any()]
        thorax = max(int(span[-1] - span[0]) + 1 for span in spans)
        shown = np.flatnonzero((mask == 3).sum(axis=0))
        found = by_code("chest", mask)
        assert found["cardiothoracic_ratio"].value == round((int(shown[-1] - shown[0]) + 1) / thorax, 2)
        assert lungs.any() and heart.any()
    for slice_ in [each for each in load(labelled, ("lits",)) if each.regions[..., 1].any()][::40]:
        count, _, stats, _ = cv2.connectedComponentsWithStats(slice_.regions[..., 1])
        large = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] >= 5e-5 * slice_.regions[..., 1].size]
        assert by_code("liver", labels_of(slice_))["lesion_count"].value == len(large)


def test_parts_outline_axis():
    plane = np.zeros((50, 50), bool)
    plane[10:20, 10:40] = True
    plane[40:44, 40:44] = True
    large, small = parts(plane)
    assert (large.sum(), small.sum()) == (300, 16)
    assert set(outline(large)) == {(10, 10), (10, 19), (39, 10), (39, 19)}
    (x, y), (u, v) = long_axis(large)
    assert np.hypot(x - u, y - v) == pytest.approx(np.hypot(29, 9))


def test_findings_are_plain_numbers():
    for organ, mask in (("chest", film()), ("liver", (film() > 2) * 2), ("retina", np.eye(300) > 0)):
        for finding in measure(organ, mask.astype(np.uint8), np.ones(mask.shape, np.uint8)):
            json.dumps(asdict(finding))
