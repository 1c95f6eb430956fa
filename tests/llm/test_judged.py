"""The triage on phrasings that no rule was written for and no example taken from: judged, never tuned on."""

import json
import tomllib
from functools import cache
from pathlib import Path

import pytest

from llm.judge import RECORD, SETS, interval, phrasings, table
from llm.judge import judged as judge
from llm.knowledge import starter_entries
from llm.likeness import digest, examples
from llm.tables import README
from llm.triage import triage

FOLDER = Path(__file__).parents[2] / "llm" / "evaluation"
RECALL, FALSE_ALARMS = 0.98, 0.05  # the goals
EDGE = 1  # phrasings of a set so near the threshold that a processor decides
judged = cache(judge)  # half a minute for a set


def test_the_judged_phrasings_are_kept_apart():
    known = {phrase for _, _, phrase in examples()} | {ask for entry in starter_entries() for ask in entry.asked}
    assert len(known & {phrase for name in ("triage", *SETS) for _, phrase in phrasings(name)}) == 0
    assert len(examples()) + len(phrasings("triage")) >= 400


@pytest.mark.parametrize("name", ["triage", *SETS])
def test_recall_and_false_alarms_on_phrasings_that_nothing_was_tuned_on(name):
    """Figures only: a failure that printed the rows would make them known to whoever mends it."""
    figures = judged(name)
    assert figures["found"] / figures["red"] >= RECALL
    assert figures["alarms"] / figures["routine"] <= FALSE_ALARMS


def test_the_record_of_the_blind_judges_is_of_these_rules_and_stands_in_the_readme():
    """A processor's own rounding of the vectors moves what lies on the edge: one phrasing of 601, and one of 450."""
    openings = json.loads(RECORD.read_text("utf-8"))
    for opening, name in zip(openings[-len(SETS) :], SETS, strict=True):
        today = judged(name)
        figures = {key: today[key] for key in ("found", "alarms")}
        assert {**opening, **figures} == {**today, "date": opening["date"]}
        assert sum(abs(opening[key] - figures[key]) for key in figures) <= EDGE
    assert table(openings) in README.read_text("utf-8")


def test_wilson_s_interval_holds_the_share_and_narrows_with_numbers():
    low, high = interval(98, 100)
    assert low < 0.98 < high < 1 and round(low, 3) == 0.930
    assert interval(980, 1000)[0] > low


def test_the_cross_validation_on_record_is_of_these_phrasings():
    record = json.loads((FOLDER / "folds.json").read_text("utf-8"))
    assert record["of"] == digest()
    assert record["recall"] >= 0.975 and record["falseAlarms"] <= 0.125


def test_the_known_phrasings_are_found_for_certain():
    wrong = [phrase for level, _, phrase in examples() if (triage(phrase).level == "routine") != (level == "routine")]
    assert len(wrong) <= 0.02 * len(examples()), wrong


def test_the_record_of_the_evaluation_is_of_these_questions():
    from appliance.consultations.evaluate import questions
    from appliance.consultations.evaluate import table as figures_table

    record = json.loads((FOLDER / "results.json").read_text("utf-8"))
    for half in record["answers"]:
        assert [row["ask"] for row in record["answers"][half]] == [
            question.ask for question in questions(half.split(",")[0])
        ]
        assert figures_table(record["figures"]) in README.read_text("utf-8")
        assert record["figures"][half]["unsafe"] == sum(bool(row["unsafe"]) for row in record["answers"][half])


def test_the_record_s_triage_is_today_s():
    record = json.loads((FOLDER / "results.json").read_text("utf-8"))
    rows = [row for answers in record["answers"].values() for row in answers]
    assert [row["ask"] for row in rows if triage(row["ask"]).level != row["triage"]] == []


def test_the_reading_is_of_the_drawn_answers_and_its_table_is_in_the_readme():
    from appliance.consultations import reading

    read = tomllib.loads((FOLDER / "read.toml").read_text("utf-8"))["read"]
    assert [each["ask"] for each in read] == reading.drawn()
    assert all(each["verdict"] in ("right", "wrong", "unsafe") and each["why"] for each in read)
    assert reading.table(reading.agreement()) in README.read_text("utf-8")


def test_kappa_is_one_for_the_same_verdicts_and_zero_for_chance():
    from appliance.consultations.reading import kappa

    assert kappa([(True, True), (False, False)] * 10) == 1.0
    assert kappa([(True, True), (True, False), (False, True), (False, False)] * 5) == 0.0
