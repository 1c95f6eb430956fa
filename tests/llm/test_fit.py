"""The weights by which search decides: fitted on what ships, and able to learn what is put in front of them."""

import numpy as np

from llm import choice
from llm.choice import Compared, Weights
from llm.fit import LEFT_OUT, NOWHERE, WRITTEN, Example, digest, figures, fit, table, written
from llm.knowledge import fitting, starter_entries


def example(random: np.random.Generator, right: int | None) -> Example:
    """Five passages of which `right` is the most alike; strange where there is none."""
    likenesses = random.uniform(0, 0.3, (5, len(choice.LIKENESSES))).astype(np.float32)
    if right is not None:
        likenesses[right] += 0.4
    question = np.zeros(386, np.float32)
    question[:2] = 1, random.normal(5 if right is None else 4, 0.3)
    return Example(
        WRITTEN if right is not None else NOWHERE, "family", right, Compared(list(range(5)), likenesses, question)
    )


def test_the_weights_are_of_these_entries_and_examples():
    with np.load(choice.WEIGHTS) as file:
        assert str(file["of"]) == digest(), "run python -m llm.ship"


def test_the_examples_are_many_and_no_entry_holds_them():
    asked = {phrase for entry in starter_entries() for phrase in (entry.title, *entry.asked)}
    rows = written()
    assert len({question for _, _, question in rows}) == len(rows)
    assert not asked & {question for _, _, question in rows}
    assert sum(not entry for entry, _, _ in rows) >= 150
    assert {entry for entry, _, _ in rows if entry} <= {entry.id for entry in starter_entries()}


def test_what_is_fitted_tells_the_right_passage_and_none_apart():
    random = np.random.default_rng(0)
    learnt = [example(random, right) for right in [*range(5), None, None] * 20]
    fitted = fit(learnt)
    unseen = [example(random, right) for right in [3, None] * 50]
    shown = [fitting(none, shares.tolist()) for none, shares in (fitted.shares(each.compared) for each in unseen)]
    assert (
        sum(places[:1] == ([] if each.right is None else [3]) for each, places in zip(unseen, shown, strict=True)) >= 95
    )


def test_shares_are_parts_of_one_whole():
    none, shares = Weights(np.ones(4), np.zeros(386)).shares(example(np.random.default_rng(0), 1).compared)
    assert abs(none + shares.sum() - 1) < 1e-9
    assert shares.argmax() == 1


def test_a_second_passage_is_shown_only_beside_one_that_is_no_likelier():
    assert fitting(0.05, [0.46, 0.44, 0.05]) == [0, 1]
    assert fitting(0.05, [0.2, 0.7, 0.05]) == [1]
    assert fitting(0.6, [0.2, 0.15, 0.05]) == []


def test_the_table_says_what_was_right():
    random = np.random.default_rng(0)
    learnt = [example(random, right) for right in (1, 2, None)]
    sure = [(0.0, np.eye(5)[1]), (0.0, np.eye(5)[1]), (1.0, np.zeros(5))]
    result = figures([*learnt, Example(LEFT_OUT, "family", 1, learnt[0].compared)], [*sure, sure[0]])
    assert result[WRITTEN]["citation precision"] == 0.5 and result[NOWHERE]["nothing found"] == 1
    assert f"| {NOWHERE} | 1 | – | – | 1.000 |" in table(result)
