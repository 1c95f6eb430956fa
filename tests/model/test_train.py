"""Training: data that stays aligned, a run that survives a kill, and a release made from it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click import ClickException

from model import release
from model.data import Patches, Sample, fold, load_drive
from model.evaluate import confusion
from model.export import load_checkpoint
from model.phantom import fundus_phantom
from model.preprocess import FundusPreprocess
from model.train import Run, TrainConfig, train
from support.box import ROOT

TINY = TrainConfig(steps=4, batch=2, patch=64, width=4, depth=3, warmup=2)


def test_drive_is_as_its_source_says(labelled):
    training, test = load_drive(labelled, "training"), load_drive(labelled, "test")
    assert (len(training), len(test)) == (20, 20)
    assert not {sample.patient for sample in training} & {sample.patient for sample in test}
    share = np.mean([sample.labels[sample.fov > 0].mean() for sample in training])
    assert share == pytest.approx(0.125, abs=0.001)


def test_the_second_observer_scores_the_known_figure(labelled):
    pairs = zip(load_drive(labelled, "test"), load_drive(labelled, "test", observer="2nd_manual"), strict=True)
    scores = [confusion(b.labels > 0, a.labels > 0)["f1"] for a, b in pairs]
    assert np.mean(scores) == pytest.approx(0.7879, abs=0.0005)


def test_folds_split_patients_once():
    empty = np.zeros((2, 2), np.uint8)
    samples = [Sample(f"{p}{side}", str(p), empty, empty, empty) for p in range(7) for side in "LR"]
    held: list[str] = []
    for index in range(3):
        training, out = fold(samples, index, 3, seed=5)
        assert not {s.patient for s in training} & {s.patient for s in out}
        assert len(training) + len(out) == len(samples)
        held += [s.name for s in out]
    assert sorted(held) == sorted(s.name for s in samples)


def test_patches_keep_labels_on_their_pixels():
    """Each vessel of the phantom is darker than what surrounds it, also after turning, scaling and flipping."""
    image, vessels = fundus_phantom()
    sample = Sample("p", "p", image, vessels, (image.max(axis=2) > 20).astype(np.uint8))
    patches = iter(Patches([sample], FundusPreprocess(), 128, seed=3))
    for _ in range(10):
        picture, labels, valid = next(patches)
        inside, vessel = valid.numpy() > 0, labels.numpy() > 0
        if vessel.sum() > 100:
            green = picture[1].numpy()
            assert green[vessel & inside].mean() < green[~vessel & inside].mean() - 0.3
        assert (picture.numpy()[:, ~inside] == 0).all()


def test_a_killed_training_goes_on_where_it_was(labelled, tmp_path):
    command = [sys.executable, "-m", "model.train", "--data", labelled, "--out", tmp_path, "--width", "4"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*map(str, command), "--steps", "100000", "--every", "2"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + 120
    while not (tmp_path / "checkpoint.pt").exists():
        assert time.monotonic() < until
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    config, _, state = load_checkpoint(tmp_path / "checkpoint.pt")
    resumed = Run(config, tmp_path)
    assert resumed.step == state["step"] >= 2
    assert resumed.schedule.last_epoch == resumed.step
    image = torch.zeros(2, 3, 64, 64)
    resumed.learn(image, torch.zeros(2, 64, 64, dtype=torch.long), torch.ones(2, 64, 64))
    assert resumed.step == state["step"] + 1


def test_a_held_out_fold_is_judged(labelled, tmp_path):
    train(replace(TINY, fold=0), labelled, tmp_path)
    verdict = json.loads((tmp_path / "fold.json").read_text())
    assert len(verdict["images"]) == 4
    assert 0 < verdict["threshold"] < 1


def test_other_settings_do_not_take_up_a_checkpoint(tmp_path):
    Run(TINY, tmp_path).save()
    with pytest.raises(ClickException, match="other settings"):
        Run(replace(TINY, seed=9), tmp_path)


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="momentum"):
        TrainConfig.from_dict({"momentum": 0.9})


def test_confusion_by_hand():
    marked = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], bool)
    truth = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0], bool)
    figures = confusion(marked, truth)
    assert figures["f1"] == pytest.approx(2 / 3)
    assert figures["iou"] == pytest.approx(1 / 2)
    assert figures["miou"] == pytest.approx((1 / 2 + 6 / 8) / 2)
    assert figures["accuracy"] == pytest.approx(0.8)
    assert figures["kappa"] == pytest.approx((0.8 - 0.58) / (1 - 0.58))


def test_the_recorded_figures_are_those_of_the_weights():
    folder = release.newest("retina")
    recorded = json.loads((Path(folder) / "metrics.json").read_text())
    assert recorded["release"]["sha256"] == release.load(folder).sha256
    assert recorded["mean"]["f1"] >= 0.82
    card = (Path(folder) / "CARD.md").read_text("utf-8")
    assert recorded["release"]["sha256"] in card
    assert f"| f1 | {recorded['mean']['f1']:.4f} | {recorded['secondObserver']['f1']:.4f} |" in card
