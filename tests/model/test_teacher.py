"""A release marks the hearts of films whose lungs alone are marked, and leaves what it is unsure of."""

from dataclasses import replace

import cv2

from model import release
from model.datasets import load
from model.metrics import confusion
from model.teacher import taught


def test_hearts_are_marked_where_the_teacher_is_sure_of_them(labelled):
    drawn = load(labelled, ("jsrt",), "test")[0]
    empty = drawn.regions.copy()
    empty[..., 1] = 0
    film = replace(drawn, regions=empty, known=(True, False))
    folder = release.newest("chest")
    assert folder is not None
    clear, unsure, same = taught([film, replace(film, image=cv2.blur(film.image, (99, 99))), drawn], folder)
    assert clear.known == (True, True)
    assert confusion(clear.regions[..., 1] > 0, drawn.regions[..., 1] > 0)["dice"] > 0.9
    assert (clear.regions[..., 0] == film.regions[..., 0]).all()
    assert unsure.known == (True, False)
    assert not unsure.regions[..., 1].any()
    assert same is drawn
