"""What a network is given of a film: how it was exposed is taken away, what is hardly to be seen is not."""

import cv2
import numpy as np
import pytest

from model.preprocess import FundusPreprocess, GreyPreprocess, from_dict, prepare, together
from model.recipes import RECIPES

FILM = RECIPES["chest", "field"].preprocess


def film(low: int = 40, high: int = 200) -> np.ndarray:
    """Dark lungs beside and above what is bright, in which a heart ends by two grey levels; uint8 (512, 512, 3)."""
    grey = np.full((512, 512), float(low))
    grey[:, 200:320] = grey[260:] = high
    grey = cv2.GaussianBlur(grey, (0, 0), 8)
    grey[400:] -= 2
    return cv2.cvtColor(grey.round().astype(np.uint8), cv2.COLOR_GRAY2RGB)


def test_another_exposure_of_a_film_is_the_same_to_the_network():
    usual, brighter = (prepare(film(*levels), FILM).tensor for levels in ((40, 200), (70, 150)))
    assert np.abs(usual - brighter)[:, :150].mean() < 0.1  # below is the end of the heart, of two levels in both


def test_an_edge_of_two_grey_levels_below_the_diaphragm_is_seen():
    def edge(preprocess: GreyPreprocess) -> float:
        column = prepare(film(), preprocess).tensor[0, :, 128]
        return float(column[190:198].mean() - column[202:210].mean())

    assert edge(FILM) > 0.5
    assert edge(GreyPreprocess(clahe=2.0)) < 0.2


def test_a_large_film_is_seen_as_a_small_one():
    large = cv2.resize(film(), (3000, 3000), interpolation=cv2.INTER_CUBIC)
    assert np.abs(prepare(large, FILM).tensor - prepare(film(), FILM).tensor).mean() < 0.05


def test_a_name_plate_does_not_hide_what_is_beside_it():
    plated = film()
    plated[:40, :120] = 0
    without, beside = (prepare(picture, FILM).tensor[0, 30:, 80:] for picture in (film(), plated))
    assert np.abs(without - beside).max() < 0.2


def test_an_empty_film_is_nothing_and_no_error():
    for level in (0, 128, 255):
        tensor = prepare(np.full((300, 200, 3), level, np.uint8), FILM).tensor
        assert tensor.shape == (1, 256, 171)
        assert np.abs(tensor).max() < 0.01


def test_a_release_of_before_is_read_as_it_was_trained():
    assert from_dict({"kind": "grey", "side_px": 256, "clahe": 2.0}) == GreyPreprocess(256, clahe=2.0)
    assert from_dict(FILM.to_dict()) == FILM


def test_networks_that_see_a_film_in_two_ways_are_given_both():
    equalised = GreyPreprocess(clahe=2.0)
    both = together([FILM, equalised])
    assert both.planes == ("local", "equalised")
    tensor = prepare(film(), both).tensor
    assert np.array_equal(tensor[:1], prepare(film(), FILM).tensor)
    assert np.array_equal(tensor[1:], prepare(film(), equalised).tensor)
    assert together([FILM, FILM]) == FILM


@pytest.mark.parametrize(
    "other",
    [GreyPreprocess(128, clahe=2.0), GreyPreprocess(local=0.1), GreyPreprocess(), FundusPreprocess()],
    ids=["another size", "another sigma", "grey as it is", "a photo"],
)
def test_what_one_input_cannot_hold_is_refused(other):
    with pytest.raises(ValueError, match="together"):
        together([FILM, other])
