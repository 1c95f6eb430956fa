"""Is this the kind of picture that the organ's network was made for? A small network's answer. No torch here.

One sigmoid for each organ, on a thumbnail: a picture may look like none of them, a cat or a page of text. The weights,
what they were trained on, how they were judged and both cutoffs are in this folder; train.py makes them.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from model.tasks import TASKS

if TYPE_CHECKING:
    import onnxruntime

WEIGHTS, RECORD = Path(__file__).parent / "gate.onnx", Path(__file__).parent / "gate.json"
SIDE_PX = 96


@dataclass(frozen=True)
class Verdict:
    """`kind` is the organ whose pictures this one looks like, or None; `likeness` 0…1 to those of the one asked for.

    `mend` says what would make a picture that is refused or doubted look right: "turn", "mirror", "invert" (a film
    shown as its negative) or None.
    """

    kind: str | None
    likeness: float
    mend: str | None = None


def thumbnail(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) RGB → float32 (3, SIDE_PX, SIDE_PX), -1…1; squeezed, for the whole picture counts."""
    small = cv2.resize(np.ascontiguousarray(image), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1


def likeness(image: np.ndarray) -> dict[str, float]:
    """How much a picture looks like each organ's, 0…1."""
    alike = _session().run(None, {"image": thumbnail(image)[None]})[0][0]
    return {organ: float(value) for organ, value in zip(TASKS, alike, strict=True)}


def judge(organ: str, image: np.ndarray) -> Verdict:
    """`image` uint8 (H, W, 3) RGB, sent in for `organ`."""
    alike = likeness(image)
    best = max(alike, key=lambda each: alike[each])
    kind = best if alike[best] >= cutoffs()["doubt"] else None
    mend = None if kind else _mend(organ, image)
    return Verdict(kind, alike[organ], mend)


def _mend(organ: str, image: np.ndarray) -> str | None:
    small = ((thumbnail(image).transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)
    turned = {f"turn {n}": np.rot90(small, n) for n in (1, 2, 3)}
    tries = {"mirror": small[:, ::-1], "invert": 255 - small, **turned}
    alike = {name: likeness(tried)[organ] for name, tried in tries.items()}
    best = max(alike, key=lambda name: alike[name])
    return best.split()[0] if alike[best] >= cutoffs()["doubt"] else None


@cache
def cutoffs() -> dict[str, float]:
    """A likeness below "refuse" is refused, one below "doubt" is segmented with a warning."""
    return json.loads(RECORD.read_text("utf-8"))["cutoffs"]


@cache
def _session() -> "onnxruntime.InferenceSession":
    # Imported here, for only processes that segment shall load its native code.
    import onnxruntime

    return onnxruntime.InferenceSession(str(WEIGHTS), providers=["CPUExecutionProvider"])
