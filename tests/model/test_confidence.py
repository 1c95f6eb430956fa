"""How sure an answer is: nothing but arithmetic on probabilities, and words that never claim more than that."""

import numpy as np
import pytest

from model.confidence import LEVELS, cutoffs, expected_dice, judge, pixelwise


def test_expected_dice_is_the_mean_of_what_may_be_true():
    """Against drawing the truth from the probabilities, many times."""
    random = np.random.default_rng(0)
    plane = random.beta(0.4, 1.2, (60, 60))
    marked = plane >= 0.4
    drawn = [random.random(plane.shape) < plane for _ in range(400)]
    real = [2 * (truth & marked).sum() / (truth.sum() + marked.sum()) for truth in drawn]
    assert expected_dice(plane, 0.4) == pytest.approx(np.mean(real), abs=0.005)
    assert expected_dice(plane * 0.3, 0.4) is None


def test_a_pixel_on_its_threshold_is_in_doubt():
    planes = np.array([[[0.0, 0.2, 0.4, 0.7, 1.0]], [[0.0, 0.0, 0.0, 0.5, 0.0]]])
    assert pixelwise(planes, (0.4, 0.5)).tolist() == [[255, 128, 0, 0, 255]]


def test_the_least_sure_label_gives_the_word():
    known = {"lung": (0.9, 0.95), "heart": (0.8, 0.9)}
    assert judge({"lung": 0.97, "heart": 0.92}, known).level == "high"
    assert judge({"lung": 0.97, "heart": 0.85}, known).level == "medium"
    assert judge({"lung": 0.89, "heart": 0.95}, known).level == "low"
    assert judge({}, known).level == "low"


def test_what_was_not_found_or_never_judged_is_not_vouched_for():
    known = {"lung": (0.9, 0.95), "heart": (0.8, 0.9), "lesion": (0.4, 0.5)}
    organs = ("lung", "heart")
    assert judge({"lung": 0.97, "heart": 0.92}, known, organs).level == "high"
    assert judge({"lung": 0.97}, known, organs).level == "low"
    assert judge({"lung": 0.97, "heart": 0.92}, {}, organs).level == "low"


def test_words_and_cutoffs():
    low, high = cutoffs([0.5 + 0.004 * n for n in range(101)])
    assert (low, high) == (pytest.approx(0.52), pytest.approx(0.6))
    assert len({judge({"x": v}, {"x": (low, high)}).text_zh for v in (0.5, 0.55, 0.7)}) == len(LEVELS)
