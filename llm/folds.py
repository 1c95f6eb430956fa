"""`python -m llm.folds`: how well the triage reads phrasings that it has not seen, by cross-validation.

Phrasings that say nearly the same form a family, and a family stays together: what is judged has no twin among what was
learnt. The rules' patterns are as they are, so that for phrasings that they were written for this still flatters.
"""

import json
from pathlib import Path

import click
import numpy as np

from llm.likeness import ROUTINE, Likeness, digest, embedded, examples, kernels, penalties, phrasings, targets
from llm.tables import fill
from llm.triage import ALIKE, decide
from llm.wording import normalise

RECORD = Path(__file__).parent / "evaluation" / "folds.json"
FOLDS = 10
KIN = 0.35  # of characters and meaning together: that near to a family's first phrase is of the family


def families(kinship: np.ndarray) -> np.ndarray:
    """int (phrases,): each phrase's family, that of the first phrase which is near enough."""
    firsts: list[int] = []
    family = np.zeros(len(kinship), int)
    for place, near in enumerate(kinship):
        known = near[firsts]
        if len(firsts) and known.max() >= KIN:
            family[place] = int(known.argmax())
        else:
            family[place] = len(firsts)
            firsts.append(place)
    return family


def out_of_fold() -> tuple[list[str], list[str], list[dict[str, float]], int]:
    """(rules, phrases, what the other families say of each phrase, number of families)."""
    rules, phrases = zip(*phrasings(), strict=True)
    vectors = embedded(phrases)
    if vectors is None:
        raise SystemExit("no embeddings here")
    known = Likeness(phrases, vectors)
    kernel, _ = kernels(known, phrases, vectors)
    meaning = np.stack([known.by_meaning(vector) for vector in vectors])
    words = np.stack([known.by_characters(phrase) for phrase in phrases])
    family = families((meaning + words) / 2)
    fold = np.random.default_rng(0).permutation(family.max() + 1)[family] % FOLDS
    names, target = targets(rules)
    values = _left_out(kernel + np.diag(penalties(phrases)), target, fold)
    said = [dict(zip(names, row.tolist(), strict=True)) for row in values]
    return list(rules), list(phrases), said, int(family.max() + 1)


def _left_out(ridge: np.ndarray, target: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """What a ridge without a fold says of it, for every fold, from one inverse of the whole."""
    inverse = np.linalg.inv(ridge)
    weights, values = inverse @ target, np.zeros_like(target)
    for each in range(FOLDS):
        out = np.flatnonzero(fold == each)
        values[out] = target[out] - np.linalg.solve(inverse[np.ix_(out, out)], weights[out])
    return values


def judge(rules: list[str], phrases: list[str], said: list[dict[str, float]]) -> dict:
    """Recall and false alarms of the whole triage, and what was misread."""
    known = {phrase for _, _, phrase in examples()}  # the starter passages' own phrasings are too easy to count
    found = {phrase: decide(normalise(phrase), each) for phrase, each in zip(phrases, said, strict=True)}
    red = [phrase for rule, phrase in zip(rules, phrases, strict=True) if rule != ROUTINE]
    routine = [phrase for rule, phrase in zip(rules, phrases, strict=True) if rule == ROUTINE and phrase in known]
    missed = [phrase for phrase in red if found[phrase].level == "routine"]
    alarms = [phrase for phrase in routine if found[phrase].level != "routine"]
    return {
        "red": len(red),
        "routine": len(routine),
        "recall": round(1 - len(missed) / len(red), 4),
        "falseAlarms": round(len(alarms) / len(routine), 4),
        "missed": missed,
        "alarms": alarms,
    }


def table(result: dict) -> str:
    """The result as a Markdown table, without its rows."""
    names = {"red": "red phrasings", "routine": "routine ones", "families": "families", "folds": "folds"}
    names |= {"alike": "alarm from", "recall": "recall", "falseAlarms": "false alarms"}
    values = " | ".join(str(result[key]) for key in names)
    return f"| {' | '.join(names.values())} |\n|{'---|' * len(names)}\n| {values} |\n"


@click.command()
@click.option("--record", is_flag=True, help="keep the result in llm/evaluation/folds.json")
def main(record: bool) -> None:
    """Cross-validate the triage over families of phrasings."""
    rules, phrases, said, count = out_of_fold()
    result = {
        "of": digest(),
        "families": count,
        "folds": FOLDS,
        "alike": ALIKE,
        **judge(rules, phrases, said),
    }
    text = json.dumps(result, ensure_ascii=False, indent=1)
    click.echo(text)
    if record:
        RECORD.write_text(text + "\n", "utf-8")
        fill("llm.folds", table(result))


if __name__ == "__main__":
    main()
