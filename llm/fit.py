"""`python -m llm.fit`: fit the weights by which search decides what fits (choice.py), and say how good they are.

Learnt from are the entries' own phrasings, each with itself left out of its entry, and fit_examples.tsv: questions that
an entry answers in a villager's words, and questions that none does, from fertiliser to rare diseases. Questions of one
entry or topic form a family, and a family stays together in cross-validation.
"""

import csv
import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from llm import choice
from llm.choice import LIKENESSES, Compared, Weights
from llm.knowledge import Entry, compare, fitting, index, starter_entries
from llm.tables import fill

EXAMPLES = Path(__file__).with_name("fit_examples.tsv")
FOLDS, STEPS, PENALTY = 10, 30, 1.0
LEFT_OUT, WRITTEN, NOWHERE = "phrasings left out", "written questions", "answered nowhere"
_TABLES = (
    "CREATE TABLE passages (id INTEGER PRIMARY KEY, vectors BLOB)",
    "CREATE VIRTUAL TABLE passage_index USING fts5(title, asked, text, tokenize='unicode61')",
)


@dataclass(frozen=True)
class Example:
    """A question beside the passages. `right`: the place of its entry among them, None where nothing answers it."""

    kind: str
    family: str
    right: int | None
    compared: Compared


def written() -> list[tuple[str, str, str]]:
    """(id of the entry that answers it, topic, question); no id, but a topic, where no entry does."""
    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        return [(row["entry"], row["topic"], row["question"]) for row in csv.DictReader(file, delimiter="\t")]


def examples() -> list[Example]:
    """All that is learnt from, written and left out. Raises SystemExit without embeddings."""
    entries = starter_entries()
    places = {entry.id: place for place, entry in enumerate(entries)}
    connection = sqlite3.connect(":memory:")
    for table in _TABLES:
        connection.execute(table)
    for place, entry in enumerate(entries):
        connection.execute("INSERT INTO passages(id) VALUES (?)", (place,))
        index(connection, place, entry.title, entry.asked, entry.text)
    found = [
        Example(WRITTEN if entry else NOWHERE, entry or topic, places.get(entry), _compared(connection, question))
        for entry, topic, question in written()
    ]
    for place, entry in enumerate(entries):
        for phrase in entry.asked:
            _index_anew(connection, place, entry, [other for other in entry.asked if other != phrase])
            found.append(Example(LEFT_OUT, entry.id, place, _compared(connection, phrase)))
        _index_anew(connection, place, entry, entry.asked)
    return found


def fit(examples: Sequence[Example]) -> Weights:
    """The weights under which these questions' own answers have the greatest shares, by Newton's method.

    The loss, -log of those shares and a ridge, is convex; a step that does not lower it is halved.
    """
    likenesses = np.stack([each.compared.likenesses for each in examples]).astype(float)
    question = np.stack([each.compared.question for each in examples]).astype(float)
    rows, places = np.arange(len(examples)), np.array([0 if e.right is None else 1 + e.right for e in examples])
    many = len(LIKENESSES)

    def sums(weights: np.ndarray) -> np.ndarray:
        raw = np.c_[question @ weights[many:], likenesses @ weights[:many]]
        return raw - np.logaddexp.reduce(raw, 1)[:, None]

    def loss(weights: np.ndarray) -> float:
        return float(PENALTY / 2 * weights @ weights - sums(weights)[rows, places].sum())

    weights = np.zeros(many + question.shape[1])
    for _ in range(STEPS):
        shares = np.exp(sums(weights))
        surplus = shares.copy()
        surplus[rows, places] -= 1
        gradient = np.r_[np.einsum("npl,np->l", likenesses, surplus[:, 1:]), surplus[:, 0] @ question]
        mean = np.c_[np.einsum("npl,np->nl", likenesses, shares[:, 1:]), shares[:, :1] * question]
        curve = PENALTY * np.eye(len(weights)) - mean.T @ mean
        curve[:many, :many] += np.einsum("npl,npk,np->lk", likenesses, likenesses, shares[:, 1:], optimize=True)
        curve[many:, many:] += question.T @ (shares[:, :1] * question)
        step = np.linalg.solve(curve, gradient + PENALTY * weights)
        while np.abs(step).max() > 1e-4 and loss(weights - step) > loss(weights):
            step /= 2
        weights -= step
        if np.abs(step).max() <= 1e-4:
            break
    return Weights(weights[:many], weights[many:])


def out_of_fold(examples: Sequence[Example]) -> list[tuple[float, np.ndarray]]:
    """What weights of the other families say of each question: the share of none, and of each passage."""
    families = sorted({each.family for each in examples})
    folds = dict(zip(families, np.random.default_rng(0).permutation(len(families)) % FOLDS, strict=True))
    weights = [fit([each for each in examples if folds[each.family] != fold]) for fold in range(FOLDS)]
    return [weights[folds[each.family]].shares(each.compared) for each in examples]


def figures(examples: Sequence[Example], said: Sequence[tuple[float, np.ndarray]]) -> dict[str, dict[str, float]]:
    """By kind of question: how many, the right passage first, nothing found, of all cited and of second ones right."""
    result = {}
    for kind in (LEFT_OUT, WRITTEN, NOWHERE):
        of_kind = [(each, *shares) for each, shares in zip(examples, said, strict=True) if each.kind == kind]
        shown = [(each.right, fitting(none, shares.tolist())) for each, none, shares in of_kind]
        cited = [place == right for right, places in shown for place in places]
        second = [places[1] == right for right, places in shown if len(places) > 1]
        first = [int(shares.argmax()) == each.right for each, _, shares in of_kind]
        result[kind] = {
            "questions": len(of_kind),
            "ranked first": sum(first) / len(first),
            "shown first": sum(places[:1] == [right] for right, places in shown) / len(shown),
            "nothing found": sum(not places for _, places in shown) / len(shown),
            "citation precision": sum(cited) / max(1, len(cited)),
            "second passages": len(second),
            "of them right": sum(second),
        }
    return result


def table(result: dict[str, dict[str, float]]) -> str:
    """The figures as a Markdown table; what nothing answers has only the figure that tells."""
    names = list(result[WRITTEN])
    rows = [f"| | {' | '.join(names)} |", f"|{'---|' * (1 + len(names))}"]
    for kind, row in result.items():
        told = [name for name in names if kind != NOWHERE or name in ("questions", "nothing found")]
        cells = [
            (f"{row[name]:.3f}" if isinstance(row[name], float) else str(row[name])) if name in told else "–"
            for name in names
        ]
        rows.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def digest() -> str:
    """Of all that the weights were fitted on: for other entries they should be fitted anew."""
    asked = json.dumps([[entry.id, entry.title, entry.asked, entry.text] for entry in starter_entries()])
    return hashlib.sha256(asked.encode() + EXAMPLES.read_bytes()).hexdigest()


def ship(learnt: Sequence[Example]) -> None:
    """Write the weights that search uses."""
    weights = fit(learnt)
    passage, none = weights.passage.astype(np.float32), weights.none.astype(np.float32)
    np.savez(choice.WEIGHTS, of=np.array(digest()), passage=passage, none=none)
    choice.shipped.cache_clear()


def _compared(connection: sqlite3.Connection, question: str) -> Compared:
    found = compare(connection, question)
    if found is None:
        raise SystemExit("no embeddings here: the weights need them")
    return found


def _index_anew(connection: sqlite3.Connection, place: int, entry: Entry, asked: Sequence[str]) -> None:
    connection.execute("DELETE FROM passage_index WHERE rowid = ?", (place,))
    index(connection, place, entry.title, asked, entry.text)


@click.command()
@click.option("--record", is_flag=True, help="put the figures into llm/README.md")
def main(record: bool) -> None:
    """Fit the weights, write them, and cross-validate."""
    learnt = examples()
    ship(learnt)
    text = table(figures(learnt, out_of_fold(learnt)))
    click.echo(text)
    if record:
        fill("llm.fit", text)


if __name__ == "__main__":
    main()
