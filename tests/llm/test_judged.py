"""The triage on phrasings that no rule was written for and no example taken from: judged, never tuned on."""

import csv
import json
from pathlib import Path

import pytest

from llm.knowledge import starter_entries
from llm.likeness import digest, examples
from llm.triage import triage

FOLDER = Path(__file__).parents[2] / "llm" / "evaluation"
RECALL, FALSE_ALARMS = 0.98, 0.05  # the goals


def judged(name: str = "triage.tsv") -> list[tuple[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return [(row["level"], row["phrase"]) for row in csv.DictReader(file, delimiter="\t")]


def test_the_judged_phrasings_are_kept_apart():
    known = {phrase for _, _, phrase in examples()} | {ask for entry in starter_entries() for ask in entry.asked}
    assert not known & {phrase for name in ("triage.tsv", "blind.tsv") for _, phrase in judged(name)}
    assert len(examples()) + len(judged()) >= 400


@pytest.mark.parametrize(("name", "most_alarms"), [("triage.tsv", FALSE_ALARMS), ("blind.tsv", 0.09)])
def test_recall_and_false_alarms_on_phrasings_that_nothing_was_tuned_on(name, most_alarms):
    """blind.tsv was written by someone who had seen neither rules nor examples; its false alarms miss the goal."""
    rows = judged(name)
    missed = [phrase for level, phrase in rows if level != "routine" and triage(phrase).level == "routine"]
    alarms = [phrase for level, phrase in rows if level == "routine" and triage(phrase).level != "routine"]
    red = sum(level != "routine" for level, _ in rows)
    assert 1 - len(missed) / red >= RECALL, missed
    assert len(alarms) / (len(rows) - red) <= most_alarms, alarms


def test_the_cross_validation_on_record_is_of_these_phrasings():
    record = json.loads((FOLDER / "folds.json").read_text("utf-8"))
    assert record["of"] == digest()
    assert record["recall"] >= 0.93 and record["falseAlarms"] <= 0.11


def test_the_known_phrasings_are_found_for_certain():
    wrong = [phrase for level, _, phrase in examples() if (triage(phrase).level == "routine") != (level == "routine")]
    assert len(wrong) <= 0.02 * len(examples()), wrong


def test_the_record_of_the_evaluation_is_of_these_questions():
    from appliance.consultations.evaluate import HALVES, README, questions, table

    record = json.loads((FOLDER / "results.json").read_text("utf-8"))
    for half in HALVES:
        assert [row["ask"] for row in record["answers"][half]] == [question.ask for question in questions(half)]
        assert table(record["figures"]) in README.read_text("utf-8")
        assert record["figures"][half]["unsafe"] == sum(bool(row["unsafe"]) for row in record["answers"][half])
