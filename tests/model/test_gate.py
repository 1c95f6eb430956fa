"""What is let in: the right kind of picture, whatever the camera; refused with a reason that helps: anything else."""

import json

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from model import gate, quality, release
from model.augment import photograph
from model.datasets import load
from model.phantom import phantom
from model.preprocess import field_of_view
from model.tasks import TASKS

IMAGES = {organ: phantom(organ) for organ in TASKS}


def judge(organ: str, image: np.ndarray) -> quality.Quality:
    return quality.judge(organ, image, field_of_view(image))


def test_the_record_is_that_of_the_weights():
    record = json.loads(gate.RECORD.read_text("utf-8"))
    assert record["sha256"] == release.sha256(gate.WEIGHTS)
    for judged in record["judged"].values():
        assert judged["auroc"] > 0.99
        for good in judged["good"].values():
            assert good["refused"] <= 0.01


@pytest.mark.parametrize("shown", TASKS)
@pytest.mark.parametrize("asked", TASKS)
def test_another_organs_picture_is_named(asked, shown):
    judged = judge(asked, IMAGES[shown])
    if asked == shown:
        assert judged.status == "ok", judged.reasons_zh
    else:
        assert judged.status == "refused"
        assert TASKS[shown].image_zh in judged.reasons_zh[0]


@pytest.mark.parametrize("organ", TASKS)
def test_photographs_and_screens_are_refused(organ):
    screen = np.full((720, 1280, 3), 245, np.uint8)
    screen[:60], screen[60:, :200] = (40, 90, 160), (230, 230, 235)
    for row in range(8):
        cv2.putText(screen, "WeChat 2026-11-24 report.docx", (240, 140 + 60 * row), 0, 1, (30, 30, 30), 2)
    for image in (*load_sample_images().images, screen):
        judged = judge(organ, image)
        assert judged.status == "refused"
        assert TASKS[organ].image_zh in judged.reasons_zh[0]


@pytest.mark.parametrize(("organ", "dataset"), [("chest", "jsrt"), ("liver", "msd")])
def test_what_is_turned_mirrored_or_a_negative_is_told(labelled, organ, dataset):
    images = [sample.image for sample in load(labelled, (dataset,), "test")][:12]
    inverted = [judge(organ, 255 - image) for image in images]
    turned = [judge(organ, np.ascontiguousarray(np.rot90(image, k))) for image in images for k in (1, 2, 3)]
    mirrored = [judge(organ, np.ascontiguousarray(image[:, ::-1])) for image in images]
    assert sum("反转" in "".join(each.reasons_zh) for each in inverted) >= 10
    assert sum("方向" in "".join(each.reasons_zh) for each in turned) >= 30
    assert sum("翻转" in "".join(each.reasons_zh) for each in mirrored) >= 8
    assert sum(each.status == "ok" for each in (*inverted, *turned, *mirrored)) <= 4


@pytest.mark.parametrize("organ", TASKS)
def test_a_blurred_picture_is_doubtful(organ):
    image = IMAGES[organ]
    blurred = cv2.GaussianBlur(image, (0, 0), 0.015 * max(image.shape))
    judged = judge(organ, blurred)
    assert judged.status == "doubtful"
    assert any("模糊" in reason for reason in judged.reasons_zh)


@pytest.mark.parametrize(
    ("organ", "dataset"), [("retina", "drive-test"), ("retina", "stare"), ("chest", "jsrt"), ("liver", "lits")]
)
def test_patients_kept_apart_are_let_in(labelled, organ, dataset):
    part = "all" if organ == "retina" else "test"
    samples = load(labelled, (dataset,), part)[::4]
    assert [judge(organ, sample.image).status for sample in samples].count("refused") == 0
    random = np.random.default_rng(3)
    by_phone = [judge(organ, photograph(sample.image, random)).status for sample in samples]
    assert by_phone.count("refused") <= 0.05 * len(samples)
