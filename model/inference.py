"""Segment a picture with a release: OpenVINO, or ONNX Runtime for a GPU. No torch here."""

import logging
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import ClassVar, Protocol

import cv2
import numpy as np
import onnxruntime
import openvino

from model import preprocess
from model.confidence import Confidence, expected_dice, judge, pixelwise
from model.release import Release, ReleaseError
from model.tasks import TASKS

log = logging.getLogger(__name__)

COMPUTES = ("cuda", "igpu", "cpu")
GOLDEN_DICE = 0.98  # what a golden sample's mask may drift by between engines and processors


class ComputeMissing(Exception):
    """The compute that the settings ask for is not on this machine."""


class Engine(Protocol):
    """A network on a compute. `run` takes float32 (1, C, H, W) and returns probabilities float32 (1, K, H, W)."""

    name: str
    compute: str

    def run(self, tensor: np.ndarray) -> np.ndarray: ...


class OpenVinoEngine:
    """OpenVINO on the processor or on Intel's integrated GPU. One request at a time: the worker is one thread."""

    name = "openvino"

    def __init__(self, weights: Path, compute: str = "cpu", threads: int = 0):
        self.compute = compute
        core = openvino.Core()
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if compute == "cpu" and threads:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        compiled = core.compile_model(str(weights), {"cpu": "CPU", "igpu": "GPU"}[compute], settings)
        self._request = compiled.create_infer_request()

    def run(self, tensor: np.ndarray) -> np.ndarray:
        self._request.infer([tensor])
        return self._request.get_output_tensor(0).data.copy()


class OnnxRuntimeEngine:
    """ONNX Runtime: the CUDA execution provider where the GPU build is installed, else OpenVINO's, else its own."""

    name = "onnxruntime"
    _providers: ClassVar[dict[str, list[str | tuple[str, dict[str, str]]]]] = {
        "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"],
        "igpu": [("OpenVINOExecutionProvider", {"device_type": "GPU"}), "CPUExecutionProvider"],
        "cpu": [("OpenVINOExecutionProvider", {"device_type": "CPU"}), "CPUExecutionProvider"],
    }

    def __init__(self, weights: Path, compute: str = "cpu"):
        self.compute = compute
        available = onnxruntime.get_available_providers()
        wanted = [p for p in self._providers[compute] if (p if isinstance(p, str) else p[0]) in available]
        self._session = onnxruntime.InferenceSession(str(weights), providers=wanted)
        if compute == "cuda" and "CUDAExecutionProvider" not in self._session.get_providers():
            # ONNX Runtime only logs that a provider does not load, and goes on with the processor.
            raise ComputeMissing("the CUDA execution provider is listed but does not load")
        self._input = self._session.get_inputs()[0].name

    def run(self, tensor: np.ndarray) -> np.ndarray:
        return self._session.run(None, {self._input: tensor})[0]


def available_computes() -> list[str]:
    """The computes of this machine, best first. The processor is always there."""
    found = {"cpu"}
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        found.add("cuda")
    if any(device.startswith("GPU") for device in openvino.Core().available_devices):
        found.add("igpu")
    return [compute for compute in COMPUTES if compute in found]


def open_engine(weights: Path, compute: str = "auto", threads: int = 0, for_cpu: Path | None = None) -> Engine:
    """The engine for `compute`; "auto" tries CUDA, then iGPU, then the processor, and logs which it took.

    The processor takes the weights `for_cpu`, when there are any.

    Raises ComputeMissing when a compute asked for by name is not there.
    """
    available = available_computes()
    if compute != "auto":
        if compute not in available:
            raise ComputeMissing(f"compute {compute!r} is not on this machine, which has {', '.join(available)}")
        available = [compute]
    for choice in available:
        try:
            engine = (
                OnnxRuntimeEngine(weights, choice)
                if choice == "cuda"
                else OpenVinoEngine((choice == "cpu" and for_cpu) or weights, choice, threads)
            )
            log.info("segmentation runs on %s through %s", choice, engine.name)
            return engine
        except Exception:
            # A driver that is listed but broken must not stop the box: the next compute is tried.
            if choice == available[-1]:
                raise
            log.exception("compute %s is listed but does not start", choice)
    raise ComputeMissing("no compute")


@dataclass(frozen=True)
class Segmentation:
    """`mask` uint8 (H, W) label indices at the picture's size; `fov` uint8 (h, w) at the network's scale, as is
    `sure` uint8 (h, w), 255 where the answer is certain; `confidence` for the whole mask."""

    mask: np.ndarray
    fov: np.ndarray
    sure: np.ndarray
    confidence: Confidence


class Segmenter:
    """A release on an engine."""

    def __init__(self, release: Release, engine: Engine):
        self.release, self.engine = release, engine

    @classmethod
    def open(cls, release: Release, compute: str = "auto", threads: int = 0, int8: bool = True) -> "Segmenter":
        """Open and prove it on its golden sample; `int8` False takes FP32 on the processor as well.

        Raises ReleaseError when the mask drifts, ComputeMissing.
        """
        segmenter = cls(release, open_engine(release.weights, compute, threads, release.int8 if int8 else None))
        segmenter.verify()
        return segmenter

    def verify(self) -> None:
        """Raise ReleaseError unless the golden sample's mask comes out as when the release was made."""
        with np.load(self.release.golden) as golden:
            image, expected = golden["image"], golden["mask"]
        mask = self.segment(image).mask
        overlap = 2 * ((mask == expected) & (expected > 0)).sum() / max(1, (mask > 0).sum() + (expected > 0).sum())
        if overlap < GOLDEN_DICE:
            raise ReleaseError(f"{self.release.folder}: golden sample drifts, Dice {overlap:.3f} < {GOLDEN_DICE}")

    def segment(self, image: np.ndarray, careful: bool = False) -> Segmentation:
        """`image` uint8 (H, W, 3) RGB → Segmentation. `careful` takes the mean over mirrored pictures as well."""
        return self.decide(*self.probabilities(image, careful), careful)

    def decide(self, probabilities: np.ndarray, prepared: preprocess.Prepared, careful: bool) -> Segmentation:
        """From what `probabilities` returned to the mask, and how sure it is."""
        release, organs = self.release, TASKS[self.release.organ].organs
        pairs = list(zip(release.labels, release.thresholds, strict=True))
        planes = [
            without_islands(plane, threshold) if label.name in organs else plane
            for (label, threshold), plane in zip(pairs, probabilities, strict=True)
        ]
        if TASKS[release.organ].nested:
            inside = planes[0] >= release.thresholds[0]
            planes = [planes[0], *(plane * inside for plane in planes[1:])]
        expected = {label.name: expected_dice(plane, t) for (label, t), plane in zip(pairs, planes, strict=True)}
        marked = {name: value for name, value in expected.items() if value is not None}
        return Segmentation(
            self._mask(planes, prepared.shape),
            prepared.fov,
            pixelwise(probabilities, release.thresholds),
            judge(marked, release.careful_confidence if careful else release.confidence, organs),
        )

    def probabilities(self, image: np.ndarray, careful: bool = False) -> tuple[np.ndarray, preprocess.Prepared]:
        """Each label's probability float32 (K, h, w) at the network's scale, zero outside the field of view."""
        tensor, prepared = padded(self.release, image)
        height, width = prepared.fov.shape
        mirrors = [()] if not careful else _mirrors(self.release.flips)
        probabilities = np.mean([self._run(tensor, axes) for axes in mirrors], axis=0)
        return probabilities[:, :height, :width] * prepared.fov, prepared

    def _run(self, tensor: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        """One pass over the picture mirrored along `axes`, its answer mirrored back; (K, h, w)."""
        answer = self.engine.run(np.ascontiguousarray(np.flip(tensor, axes))[None])[0]
        return np.flip(answer, axes)

    def _mask(self, planes: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
        """Label by label, so that a 50-megapixel mask never needs all labels' probabilities at full size. What two
        labels claim is the later one's, as in a manual mask (datasets.labels_of): a heart covers a lung."""
        mask = np.zeros(shape, np.uint8)
        task = TASKS[self.release.organ]
        for label, threshold, plane in zip(self.release.labels, self.release.thresholds, planes, strict=True):
            full = preprocess.restore(plane, shape)
            chosen = full >= threshold
            if task.nested and label.index != self.release.labels[0].index:
                chosen &= mask > 0
            mask[chosen] = label.index
        return mask


def padded(release: Release, image: np.ndarray) -> tuple[np.ndarray, preprocess.Prepared]:
    """What a release's network is given, float32 (C, h, w) with sides that it can halve."""
    prepared = preprocess.prepare(image, release.preprocess)
    height, width = prepared.fov.shape
    bottom, right = -height % release.multiple, -width % release.multiple
    return np.pad(prepared.tensor, ((0, 0), (0, bottom), (0, right))), prepared


def without_islands(plane: np.ndarray, threshold: float, share: float = 0.1) -> np.ndarray:
    """An organ's probability (h, w) with 0 in each marked part that is smaller than `share` of the largest one."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats((plane >= threshold).astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    small = 1 + np.flatnonzero(areas < share * areas.max(initial=0))
    return np.where(np.isin(parts, small), 0, plane).astype(np.float32) if count > 2 else plane


def _mirrors(flips: str) -> list[tuple[int, ...]]:
    """All combinations of the flips as axes of a (C, H, W) array: "xy" gives four."""
    axes = [{"x": 2, "y": 1}[flip] for flip in flips]
    return [chosen for count in range(len(axes) + 1) for chosen in combinations(axes, count)]
