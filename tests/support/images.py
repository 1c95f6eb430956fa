"""Encoded pictures for tests, drawn by our own code."""

import io
from functools import cache

import numpy as np
from PIL import Image

from model.phantom import fundus_phantom


@cache
def phantom() -> np.ndarray:
    """uint8 (584, 565, 3)."""
    return fundus_phantom()[0]


def encoded(array: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))
