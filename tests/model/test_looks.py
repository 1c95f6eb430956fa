"""Several looks come back to the picture that was asked about."""

import numpy as np
import pytest

from model.looks import LEANS, leaning, mirrored

PLANES = np.zeros((2, 96, 80), np.float32)
PLANES[0, 20:70, 10:50] = 1
PLANES[1] = np.linspace(0, 1, 80)


def same(tensor: np.ndarray) -> np.ndarray:
    """A network that answers what it is shown."""
    return tensor


def test_mirrored_looks_come_back_exactly():
    assert np.allclose(mirrored(same, PLANES, "xy"), PLANES, atol=1e-6)


def test_leaning_looks_come_back_but_for_an_edge_that_is_read_between_pixels():
    off = np.abs(leaning(same, PLANES) - PLANES)
    assert off.mean() < 0.01
    inner = np.s_[0, 25:65, 15:45]
    assert off[inner].max() < 1e-5


def test_what_a_look_cannot_see_is_left_to_the_others():
    """A picture marked to its rim stays so: no look's black surround counts."""
    assert np.allclose(leaning(lambda tensor: np.ones_like(tensor), PLANES), 1, atol=1e-4)


@pytest.mark.parametrize(
    ("average", "looks"),
    [(lambda look: mirrored(look, PLANES, "xy"), 4), (lambda look: leaning(look, PLANES), len(LEANS))],
)
def test_each_look_is_asked_once_and_counts_alike(average, looks):
    asked = iter(range(looks))
    answer = average(lambda tensor: np.full_like(tensor, next(asked)))
    assert next(asked, None) is None
    centre = answer[:, 40:56, 32:48]
    assert np.allclose(centre, (looks - 1) / 2, atol=1e-4)
