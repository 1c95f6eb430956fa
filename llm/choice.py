"""Which passages answer a question, or none of them: shares of one whole, by a conditional logit.

Each passage weighs exp(likenesses × their weights), and so does "none of them", by how strange the question is among
those known. What else fits is thus always part of the decision: the runner-up's share is small where the first is sure.
`python -m llm.fit` finds the weights and says how good they are.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from llm import embedding

WEIGHTS = Path(__file__).parent / "entries" / "fit_weights.npz"
# Likenesses about -1 to 1, in this order.
LIKENESSES = ("best phrasing", "all phrasings", "text", "rare pairs")
_TEN = 10.0  # rare pairs: evidence (knowledge.py) has the size of the others when divided by this
# How much the ridge lets the distance and the direction of a question say. Tried by cross-validation: 5 and 10, 0 to 6.
_DISTANCE, _DIRECTION = 10.0, 3.0


@dataclass(frozen=True)
class Compared:
    """A question beside all passages: `ids` of (passages), `likenesses` float32 (passages, 4), `question` (386,)."""

    ids: list[int]
    likenesses: np.ndarray
    question: np.ndarray


@dataclass(frozen=True)
class Weights:
    """`passage` (4,) for the likenesses; `none` (386,) for what the question is by itself."""

    passage: np.ndarray
    none: np.ndarray

    def shares(self, compared: Compared) -> tuple[float, np.ndarray]:
        """The share of "none of them", and float (passages,) of each passage; together 1."""
        sums = np.concatenate([[compared.question @ self.none], compared.likenesses @ self.passage])
        powers = np.exp(sums - sums.max())
        none, *passages = powers / powers.sum()
        return float(none), np.array(passages)


def compared(vector: np.ndarray, passages: list[tuple[int, bytes]], evidence: dict[int, float]) -> Compared:
    """`vector` of the question; (id, vectors) of each passage as `embedding.of_passage` made them."""
    ids = [id_ for id_, _ in passages]
    each = [np.frombuffer(blob, np.float16).reshape(-1, embedding.SIZE) for _, blob in passages]
    counts = np.array([len(vectors) for vectors in each])
    starts = np.cumsum(counts) - counts
    every, asked = np.concatenate(each), embedding.centred(vector, "query")
    text = embedding.centred(every[starts], "passage") @ asked
    phrasings = embedding.centred(every, "query") @ asked
    phrasings[starts] = 0.0  # there the text stands
    mean = np.add.reduceat(phrasings, starts) / (counts - 1)
    phrasings[starts] = -1.0
    words = np.array([evidence.get(id_, 0.0) / _TEN for id_ in ids])
    likenesses = np.stack([np.maximum.reduceat(phrasings, starts), mean, text, words], 1).astype(np.float32)
    alone = np.concatenate([[1.0, _DISTANCE * embedding.strangeness(vector)], _DIRECTION * asked])
    return Compared(ids, likenesses, alone.astype(np.float32))


@cache
def shipped() -> Weights:
    """The weights that `python -m llm.fit` or `llm.ship` wrote."""
    with np.load(WEIGHTS) as file:
        return Weights(file["passage"], file["none"])
