"""How much a question is like known red flags: a ridge over its characters, meaning and marks, fitted in closed form.

One column for each rule and one for routine, so that the same reading says whether and which. Characters catch typing
errors and dialect, vectors (embedding.py) other words for the same, marks (marks.py) how it is said; where there are no
vectors, the others must do.
`python -m llm.ship` fits it anew; the known phrasings themselves are the only other thing that it needs.
"""

import csv
import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from llm import embedding, marks
from llm.knowledge import starter_entries
from llm.wording import grams

EXAMPLES = Path(__file__).with_name("triage_examples.tsv")
WEIGHTS = Path(__file__).parent / "entries" / "triage_weights.npz"
# Tried by cross-validation over families of phrasings, a few values each; neighbours differed by about 0.01 of recall.
SHARPNESS, CHARACTERS, PENALTY, MARKS = 3.0, 1.5, 0.3, 0.05
# What the starter passages are asked for is many and easy: it bends the ridge less than what was written for this.
EASY = 4.0
ROUTINE = ""


def examples() -> list[tuple[str, str, str]]:
    """(level, rule, phrase) of each known phrasing; the rule is "" for a routine one."""
    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        return [(row["level"], row["rule"], row["phrase"]) for row in csv.DictReader(file, delimiter="\t")]


def phrasings() -> list[tuple[str, str]]:
    """(rule, phrase) of all that is learnt from; what the starter passages answer is routine as well."""
    known = {phrase: rule for _, rule, phrase in examples() if phrase}
    asked = [phrase for entry in starter_entries() for phrase in (entry.title, *entry.asked)]
    return [(known.get(phrase, ROUTINE), phrase) for phrase in dict.fromkeys([*known, *asked])]


class Likeness:
    """Phrases to compare with. `vectors` float32 (phrases, 384) of unit length, or None."""

    def __init__(self, phrases: Sequence[str], vectors: np.ndarray | None):
        self._count = len(phrases)
        places: dict[str, list[int]] = defaultdict(list)
        for place, phrase in enumerate(phrases):
            for gram in grams(phrase):
                places[gram].append(place)
        self._places = {gram: np.array(found) for gram, found in places.items()}
        lengths = np.zeros(self._count, np.float32)
        for gram, found in self._places.items():
            lengths[found] += self._weight(gram) ** 2
        self._lengths = np.sqrt(lengths)
        self._middle = None if vectors is None else vectors.mean(axis=0)
        self._vectors = None if vectors is None else self._centred(vectors)

    def to(self, phrase: str, vector: np.ndarray | None) -> np.ndarray:
        """float32 (phrases,): how alike each of them is; only by characters without a vector."""
        likeness = CHARACTERS * self.by_characters(phrase)
        return likeness if vector is None else likeness + np.exp(SHARPNESS * (self.by_meaning(vector) - 1))

    def by_meaning(self, vector: np.ndarray) -> np.ndarray:
        """float32 (phrases,): the cosine, -1 to 1; 0 where the phrases have no vectors."""
        return np.zeros(self._count, np.float32) if self._vectors is None else self._vectors @ self._centred(vector)

    def by_characters(self, phrase: str) -> np.ndarray:
        """float32 (phrases,): the cosine of their character groups, rare ones weighing most."""
        shared, own = np.zeros(self._count, np.float32), 0.0
        for gram in grams(phrase):
            weight = self._weight(gram)
            own += weight**2
            if gram in self._places:
                shared[self._places[gram]] += weight**2
        return shared / (self._lengths * math.sqrt(own) + 1e-9)

    def _weight(self, gram: str) -> float:
        return math.log(1 + self._count / max(1, len(self._places.get(gram, ()))))

    def _centred(self, vectors: np.ndarray) -> np.ndarray:
        """Less what all phrases have in common: this model's cosines all lie between 0.8 and 0.95 otherwise."""
        moved = vectors - self._middle
        return moved / (np.linalg.norm(moved, axis=-1, keepdims=True) + 1e-9)


@dataclass(frozen=True)
class Weights:
    """What each known phrase and each mark weighs, float32 (phrases, names) and (marks, names)."""

    phrases: np.ndarray
    marks: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """`names` of the columns, "" for routine; the weights with vectors and without."""

    names: tuple[str, ...]
    both: Weights
    characters: Weights

    def scores(self, likeness: np.ndarray, marked: np.ndarray, has_vector: bool) -> dict[str, float]:
        """How much a question is each of `names`, about -1 to 1."""
        weights = self.both if has_vector else self.characters
        values = likeness @ weights.phrases + marked @ weights.marks
        return dict(zip(self.names, values.tolist(), strict=True))


def kernels(known: Likeness, phrases: Sequence[str], vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 (phrases, phrases) twice: by meaning, characters and marks, and without meaning."""
    characters = CHARACTERS * np.stack([known.by_characters(phrase) for phrase in phrases])
    meaning = np.stack([known.by_meaning(vector) for vector in vectors])
    marked = marked_all(phrases)
    without = characters + MARKS * (marked @ marked.T)
    return without + np.exp(SHARPNESS * (meaning - 1)), without


def marked_all(phrases: Sequence[str]) -> np.ndarray:
    """float32 (phrases, marks)."""
    return np.stack([marks.of(phrase) for phrase in phrases])


def targets(rules: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """The columns' names and float32 (phrases, names): one for a phrase's rule, and for routine one or minus one."""
    names = tuple(sorted(set(rules)))
    target = np.array([[float(rule == name) for name in names] for rule in rules], np.float32)
    target[:, names.index(ROUTINE)] = [1.0 if rule == ROUTINE else -1.0 for rule in rules]
    return names, target


def penalties(phrases: Sequence[str]) -> np.ndarray:
    """float32 (phrases,): how far the ridge may miss each of them."""
    written = {phrase for _, _, phrase in examples()}
    return np.array([PENALTY * (1.0 if phrase in written else EASY) for phrase in phrases], np.float32)


def fit(rules: Sequence[str], phrases: Sequence[str], vectors: np.ndarray) -> Fitted:
    """The ridge's weights for these phrases; `rules` tells what each of them is."""
    names, target = targets(rules)
    ridge, marked = np.diag(penalties(phrases)), marked_all(phrases)
    both, characters = (
        np.linalg.solve(kernel + ridge, target) for kernel in kernels(Likeness(phrases, vectors), phrases, vectors)
    )
    return Fitted(names, *(Weights(each, MARKS * (marked.T @ each)) for each in (both, characters)))


def ship() -> None:
    """Write WEIGHTS for the known phrasings as they are now."""
    rules, phrases = zip(*phrasings(), strict=True)
    vectors = embedded(phrases)
    if vectors is None:
        raise SystemExit("no embeddings here: the weights need them")
    fitted = fit(rules, phrases, vectors)
    both, characters = fitted.both, fitted.characters
    np.savez_compressed(
        WEIGHTS,
        names=np.array(fitted.names),
        of=np.array(digest()),
        both=both.phrases.astype(np.float16),
        both_marks=both.marks,
        characters=characters.phrases.astype(np.float16),
        characters_marks=characters.marks,
    )


def read(question: str) -> dict[str, float]:
    """How much a question is each rule, and routine (""): -1 for what is surely a red flag, 1 for what is none."""
    likeness, fitted = _shipped()
    vector = embedding.of_question(question)
    return fitted.scores(likeness.to(question, vector), marks.of(question), vector is not None)


def digest() -> str:
    """Of all known phrasings and marks: weights for others are no use."""
    rows = ["\t".join(row) for row in phrasings()]
    return hashlib.sha256("\n".join([*rows, marks.digest()]).encode()).hexdigest()


@cache
def _shipped() -> tuple[Likeness, Fitted]:
    _, phrases = zip(*phrasings(), strict=True)
    with np.load(WEIGHTS) as file:
        if str(file["of"]) != digest():
            raise RuntimeError("triage_weights.npz is not of these phrasings: run python -m llm.ship")
        names = tuple(file["names"].tolist())
        both, characters = (
            Weights(file[each].astype(np.float32), file[f"{each}_marks"]) for each in ("both", "characters")
        )
    return Likeness(phrases, embedded(phrases)), Fitted(names, both, characters)


def embedded(phrases: Sequence[str]) -> np.ndarray | None:
    """float32 (phrases, 384), or None where one of them has no vector."""
    found = [vector for phrase in phrases if (vector := embedding.of_question(phrase)) is not None]
    return np.stack(found) if len(found) == len(phrases) else None
