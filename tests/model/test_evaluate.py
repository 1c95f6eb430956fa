"""What is measured on an answer is held against what the same rule measures on the manual mask."""

import numpy as np
import pytest

from model.datasets import Sample, labels_of
from model.evaluate import Judged, agreement, both_ways

FOV = np.ones((200, 200), np.uint8)


def film(heart: slice) -> Sample:
    """Two lungs and a heart, all known."""
    lungs, organ = (np.zeros((200, 200), np.uint8) for _ in range(2))
    lungs[40:180, 20:80] = lungs[40:180, 120:180] = 1
    organ[110:170, heart] = 1
    image = np.zeros((200, 200, 3), np.uint8)
    return Sample("film", "jsrt", "jsrt/film", image, np.stack([lungs, organ], axis=-1), FOV, (True, True))


def test_a_wider_heart_has_a_larger_ratio_than_the_manual_one():
    manual, ours = film(slice(82, 118)), film(slice(74, 126))
    ratio, by_hand = both_ways(labels_of(ours), manual, FOV)["cardiothoracic_ratio"]
    assert by_hand == pytest.approx(36 / 160, abs=0.006)
    assert ratio == pytest.approx(52 / 160, abs=0.006)


def test_a_finding_of_only_one_of_the_two_is_not_compared():
    manual = film(slice(82, 118))
    without = labels_of(manual)
    without[without == 3] = 0
    assert "cardiothoracic_ratio" not in both_ways(without, manual, FOV)
    assert "lung_asymmetry" in both_ways(without, manual, FOV)


def test_agreement_is_the_mean_and_its_limits():
    def row(ours: float, manual: float) -> Judged:
        return Judged(film(slice(82, 118)), {}, {}, np.zeros(4, int), {}, {"cardiothoracic_ratio": (ours, manual)})

    found = agreement([row(0.50, 0.46), row(0.48, 0.48), row(0.50, 0.52)])["cardiothoracic_ratio"]
    assert found["n"] == 3
    assert found["mean"] == pytest.approx(0.02 / 3, abs=1e-4)
    assert found["absolute"] == pytest.approx(0.02, abs=1e-4)
    assert found["high"] - found["mean"] == pytest.approx(1.96 * np.std([0.04, 0, -0.02], ddof=1), abs=1e-4)
    assert agreement([]) == {}
