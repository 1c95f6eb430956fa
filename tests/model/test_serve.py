"""A release as it is served: verified, the same on each engine, for any size of picture."""

import json
import logging
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from model import quality, release
from model.datasets import load
from model.findings import measure
from model.inference import (
    ComputeMissing,
    OnnxRuntimeEngine,
    OpenVinoEngine,
    Segmenter,
    available_computes,
    open_engine,
    without_islands,
)
from model.phantom import fundus_phantom
from model.phantom import phantom as organ_phantom
from model.preprocess import field_of_view, fov_diameter, prepare
from model.release import ReleaseError
from model.tasks import TASKS

PHANTOM = fundus_phantom()[0]


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.fixture(scope="module")
def opened() -> release.Release:
    return release.load(release.newest("retina"))


@pytest.fixture(scope="module")
def segmenter(opened) -> Segmenter:
    return Segmenter.open(opened, "cpu")


@pytest.fixture
def copy(opened, tmp_path) -> Path:
    return Path(shutil.copytree(opened.folder, tmp_path / "release"))


def edit(folder: Path, **changes: object) -> None:
    path = folder / "release.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_damaged_file_is_refused(copy):
    content = bytearray((copy / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "model.onnx").write_bytes(content)
    with pytest.raises(ReleaseError, match="damaged"):
        release.load(copy)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": [{"index": 2, "name": "vessel", "nameZh": "血管", "colour": "#00E5A8"}]}, "labels"),
        ({"organ": "kidney"}, "kidney"),
        ({"preprocess": {"kind": "fundus", "sharpen": 1}}, "sharpen"),
        ({"preprocess": {"kind": "film"}}, "film"),
        ({"files": {}}, "list of files"),
        ({"threshold": "high"}, "cannot be read"),
    ],
)
def test_a_release_that_does_not_fit_is_refused(copy, changes, reason):
    edit(copy, **changes)
    with pytest.raises(ReleaseError, match=reason):
        release.load(copy)


def test_missing_files_and_broken_json(copy):
    (copy / "golden.npz").unlink()
    with pytest.raises(ReleaseError, match="missing"):
        release.load(copy)
    (copy / "release.json").write_text("{")
    with pytest.raises(ReleaseError, match="cannot be read"):
        release.load(copy)


def test_users_are_not_served_what_was_made_for_the_benchmarks_table(copy):
    for version in ("9.0.0-benchmark", "8.0.0"):
        shutil.copytree(copy, copy.parent / "served" / "retina" / version)
    assert release.newest("retina", copy.parent / "served").name == "8.0.0"


def test_a_drifting_golden_sample_is_refused(copy):
    with np.load(copy / "golden.npz") as golden:
        image, mask = golden["image"], golden["mask"]
    np.savez_compressed(copy / "golden.npz", image=image, mask=np.roll(mask, 9, axis=0))
    files = json.loads((copy / "release.json").read_text())["files"]
    edit(copy, files={**files, "golden.npz": release.sha256(copy / "golden.npz")})
    with pytest.raises(ReleaseError, match="drifts"):
        Segmenter.open(release.load(copy), "cpu")


def test_engines_agree(opened):
    """Within 2e-3 in probability, and the same mask but for pixels on the threshold."""
    one, other = (Segmenter(opened, engine(opened.weights)) for engine in (OpenVinoEngine, OnnxRuntimeEngine))
    assert np.abs(one.probabilities(PHANTOM)[0] - other.probabilities(PHANTOM)[0]).max() < 2e-3
    assert dice(one.segment(PHANTOM).mask, other.segment(PHANTOM).mask) > 0.999


@pytest.mark.parametrize("organ", [organ for organ in TASKS if release.newest(organ)])
def test_each_release_is_whole_small_and_the_same_on_each_engine(organ):
    whole = release.load(release.newest(organ))
    assert whole.weights.stat().st_size <= 20e6
    image = organ_phantom(organ)
    one, other = (Segmenter(whole, engine(whole.weights)) for engine in (OpenVinoEngine, OnnxRuntimeEngine))
    one.verify()
    assert np.abs(one.probabilities(image)[0] - other.probabilities(image)[0]).max() < 5e-3


@pytest.mark.parametrize("organ", [organ for organ in TASKS if release.newest(organ)])
def test_the_careful_mode_does_not_hang_on_how_a_picture_is_mirrored(organ):
    whole = release.load(release.newest(organ))
    if "x" not in whole.flips:
        pytest.skip(f"{organ} {whole.version} was not released with flips")
    segmenter, image = Segmenter(whole, OpenVinoEngine(whole.weights)), organ_phantom(organ)
    image = image[:, : image.shape[1] // whole.multiple * whole.multiple]  # so that padding is on neither side
    straight, _ = segmenter.probabilities(image, careful=True)
    mirrored, _ = segmenter.probabilities(np.ascontiguousarray(image[:, ::-1]), careful=True)
    plain, _ = segmenter.probabilities(image)
    assert np.abs(straight - mirrored[..., ::-1]).mean() < 0.01
    assert np.abs(straight - plain).max() > 0.01


def test_a_heart_covers_a_lung_as_in_a_manual_mask():
    whole, image = release.load(release.newest("chest")), organ_phantom("chest")
    segmenter, prepared = Segmenter(whole, OpenVinoEngine(whole.weights)), prepare(image, whole.preprocess)
    probabilities = np.zeros((2, *prepared.fov.shape), np.float32)
    probabilities[0, 40:120, 40:120] = 0.99  # the lung, and surer of it
    probabilities[1, 80:160, 80:160] = 0.7
    mask, scale = segmenter.decide(probabilities, prepared, careful=False).mask, image.shape[0] / prepared.fov.shape[0]
    assert mask[int(100 * scale), int(100 * scale)] == 3
    assert mask[int(60 * scale), int(60 * scale)] == 2


@pytest.mark.parametrize("organ", [organ for organ in TASKS if release.newest(organ)])
def test_int8_marks_what_fp32_marks(organ):
    """Stated tolerance: 0.02 in probability on the mean pixel, and a Dice of 0.98 between the masks."""
    whole = release.load(release.newest(organ))
    assert whole.int8 is not None
    one, other = (Segmenter.open(whole, "cpu", int8=int8) for int8 in (True, False))
    image = organ_phantom(organ)
    assert np.abs(one.probabilities(image)[0] - other.probabilities(image)[0]).mean() < 0.02
    assert dice(one.segment(image).mask > 0, other.segment(image).mask > 0) > 0.98


def test_islands_beside_an_organ_are_dropped():
    plane = np.full((60, 60), 0.1, np.float32)
    plane[5:30, 5:30] = plane[5:25, 35:55] = plane[50:53, 50:53] = 0.9
    kept = without_islands(plane, 0.5)
    assert (kept[5:30, 5:30] == plane[5:30, 5:30]).all()
    assert (kept[5:25, 35:55] == plane[5:25, 35:55]).all()
    assert not kept[50:53, 50:53].any()


def test_auto_takes_the_best_and_says_which(opened, caplog):
    with caplog.at_level(logging.INFO):
        engine = open_engine(opened.weights, "auto")
    assert engine.compute == available_computes()[0]
    assert f"runs on {engine.compute}" in caplog.text


def test_a_compute_that_is_not_there_is_told(opened):
    absent = next((compute for compute in ("cuda", "igpu") if compute not in available_computes()), None)
    if absent is None:
        pytest.skip("this machine has every compute")
    with pytest.raises(ComputeMissing, match=absent):
        open_engine(opened.weights, absent)


def test_a_gpu_that_does_not_load_is_not_named_for_the_processors_work(opened):
    """ONNX Runtime goes on with the processor, and only logs it."""
    if "cuda" in available_computes():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ComputeMissing, match="does not load"):
        OnnxRuntimeEngine(opened.weights, "cuda")


@pytest.mark.parametrize("size", [(584, 565), (201, 333), (1200, 900), (1500, 1500)])
def test_the_mask_has_the_pictures_size(segmenter, size):
    image = cv2.resize(PHANTOM, size[::-1], interpolation=cv2.INTER_AREA)
    mask = segmenter.segment(image).mask
    assert (mask.shape, mask.dtype) == (size, np.uint8)
    assert set(np.unique(mask)) <= {0, 1}


def test_another_cameras_scale_gives_the_same_vessels(segmenter):
    height, width = PHANTOM.shape[:2]
    big = cv2.resize(PHANTOM, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
    mask = cv2.resize(segmenter.segment(big).mask, (width, height), interpolation=cv2.INTER_NEAREST)
    assert dice(mask, segmenter.segment(PHANTOM).mask) > 0.85


def test_real_photos(segmenter, labelled):
    for sample in load(labelled, ("drive-test",))[:3]:
        inside = sample.fov > 0
        assert dice(segmenter.segment(sample.image).mask[inside], sample.regions[..., 0][inside]) > 0.79, sample.name


def test_the_field_of_view_is_found(labelled):
    for sample in load(labelled, ("drive-train",)):
        fov = field_of_view(sample.image)
        assert dice(fov, sample.fov) > 0.98
        assert fov_diameter(fov) == pytest.approx(540, rel=0.02)


def test_preparing_fills_nothing_outside_the_view():
    prepared = prepare(PHANTOM, release.load(release.newest("retina")).preprocess)
    assert (prepared.tensor[:, prepared.fov == 0] == 0).all()
    assert prepared.tensor.dtype == np.float32


def test_vessel_density_by_hand():
    mask, fov = np.zeros((100, 100), np.uint8), np.zeros((100, 100), np.uint8)
    fov[10:90, 10:90] = 1
    mask[20:30, 10:90] = 1
    mask[0:5] = 1  # outside the view: does not count
    finding = measure("retina", mask, fov)[0]
    assert (finding.value, finding.unit) == (12.5, "%")
    assert "12.5 %" in finding.text_zh
    doubled = mask.repeat(2, axis=0).repeat(2, axis=1)
    assert measure("retina", doubled, fov)[0].value == 12.5


def test_vessel_density_of_a_manual_mask(labelled):
    sample = load(labelled, ("drive-test",))[0]
    inside = sample.fov > 0
    by_hand = 100 * (sample.regions[..., 0][inside] > 0).sum() / inside.sum()
    assert measure("retina", sample.regions[..., 0], sample.fov)[0].value == pytest.approx(by_hand, abs=0.05)


@pytest.mark.parametrize(
    ("image", "status"),
    [
        (PHANTOM, "ok"),
        (np.full((600, 600, 3), 255, np.uint8), "refused"),
        (PHANTOM[200:300, 200:300], "refused"),
        (PHANTOM[180:400, 180:400], "refused"),
        (PHANTOM // 5, "doubtful"),
        (np.repeat(PHANTOM[..., 1:2], 3, axis=2), "doubtful"),
        (np.ascontiguousarray(PHANTOM[..., ::-1]), "refused"),
        (np.tile(PHANTOM[200:400], (1, 372, 1)), "refused"),
    ],
    ids=["phantom", "blank", "tiny", "cropped", "dark", "grey", "blue", "strip"],
)
def test_quality(image, status):
    judged = quality.judge("retina", image, field_of_view(image))
    assert judged.status == status, judged.reasons_zh
    assert bool(judged.reasons_zh) == (status != "ok")
