"""Training: data that stays aligned, a run that survives a kill, and a release made from it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click import ClickException
from lightning_fabric import Fabric

from model import release
from model.augment import Augment, plain_map
from model.data import Patches
from model.datasets import DATASETS, Sample, fold, load
from model.export import load_checkpoint
from model.metrics import confusion, hd95, lesionwise, ranking, summary
from model.phantom import chest_phantom, fundus_phantom
from model.preprocess import FundusPreprocess, GreyPreprocess, prepare
from model.tasks import TASKS
from model.train import Run, TrainConfig, train
from support.box import ROOT

TINY = TrainConfig(steps=3, width=4, warmup=2)
CPU = Fabric(accelerator="cpu", precision="bf16-mixed")


def sample(name: str, patient: str, image: np.ndarray, region: np.ndarray, dataset: str = "drive-train") -> Sample:
    fov = (image.max(axis=-1) > 20).astype(np.uint8)
    return Sample(name, dataset, patient, image, region[..., None], fov, (True,))


def test_drive_is_as_its_source_says(labelled):
    training, test = load(labelled, ("drive-train",)), load(labelled, ("drive-test",))
    assert (len(training), len(test)) == (20, 20)
    share = np.mean([each.regions[each.fov > 0].mean() for each in training])
    assert share == pytest.approx(0.125, abs=0.001)


@pytest.mark.parametrize("name", [d.name for d in DATASETS.values() if d.split == "fifth"])
def test_patients_kept_for_judging_are_never_trained_on(labelled, name):
    training, test = load(labelled, (name,), "train"), load(labelled, (name,), "test")
    kept, seen = ({each.patient for each in part} for part in (test, training))
    assert kept
    assert not kept & seen
    assert len(training) + len(test) == len(load(labelled, (name,)))


def test_each_label_lies_on_what_it_names(labelled):
    """Lungs are darker than the heart on a film, and the liver is on the left of a CT slice as it is displayed."""
    film = load(labelled, ("jsrt",), "test")[0]
    lungs, heart = (film.image[film.regions[..., plane] > 0].mean() for plane in (0, 1))
    assert lungs < heart - 30
    for dataset in ("lits", "msd"):
        slices = load(labelled, (dataset,), "test")
        centres = [np.nonzero(each.regions[..., 0])[1].mean() / each.image.shape[1] for each in slices]
        assert np.median(centres) < 0.45


def test_the_second_observer_scores_the_known_figure(labelled):
    pairs = zip(load(labelled, ("drive-test",)), load(labelled, ("drive-second",)), strict=True)
    scores = [confusion(b.regions > 0, a.regions > 0)["dice"] for a, b in pairs]
    assert np.mean(scores) == pytest.approx(0.7879, abs=0.0005)


def test_folds_split_patients_once():
    image = np.zeros((2, 2, 3), np.uint8)
    samples = [sample(f"{p}{side}", str(p), image, image[..., 0]) for p in range(7) for side in "LR"]
    held: list[str] = []
    for index in range(3):
        training, out = fold(samples, index, 3, seed=5)
        assert not {s.patient for s in training} & {s.patient for s in out}
        assert len(training) + len(out) == len(samples)
        held += [s.name for s in out]
    assert sorted(held) == sorted(s.name for s in samples)


def test_patches_keep_labels_on_their_pixels():
    """Each vessel of the phantom is darker than what surrounds it, also after turning, scaling, bending, flipping."""
    image, vessels = fundus_phantom()
    patches = iter(Patches([sample("p", "p", image, vessels)], FundusPreprocess(), Augment(), 128, seed=3))
    for _ in range(10):
        picture, target, valid = (plane.numpy() for plane in next(patches))
        inside, vessel = valid[0] > 0, target[0] > 0
        if vessel.sum() > 100:
            green = picture[1]
            assert green[vessel & inside].mean() < green[~vessel & inside].mean() - 0.3
        assert (picture[:, ~inside] == 0).all()


def test_a_plain_patch_is_the_picture_pixel_by_pixel():
    """Every row of it stands in what the network is served, be it mirrored or turned by a quarter."""
    image, vessels = fundus_phantom()
    shown = sample("p", "p", image, vessels)
    served = prepare(image, FundusPreprocess()).tensor[1]
    looks = [turned for k in range(4) for turned in (np.rot90(served, k), np.fliplr(np.rot90(served, k)))]
    patches = Patches([shown], FundusPreprocess(), Augment(plain=1.0), 64, seed=3)
    scene = patches._scene(0)
    for seed in range(8):
        random = np.random.default_rng(seed)
        where = plain_map((280.3, 300.7), 64, Augment(), random)
        patch = cv2.remap(scene.clean, where[..., 0], where[..., 1], cv2.INTER_LINEAR)[..., 1]
        found = [cv2.matchTemplate(np.ascontiguousarray(look), patch, cv2.TM_SQDIFF).min() for look in looks]
        assert min(found) < 1e-3 * float((patch**2).sum())


def test_what_a_data_set_does_not_mark_is_not_learnt():
    image = chest_phantom()
    region = np.zeros((*image.shape[:2], 2), np.uint8)
    film = Sample("s", "shenzhen", "s", image, region, np.ones(image.shape[:2], np.uint8), (True, False))
    _, _, valid = next(iter(Patches([film], GreyPreprocess(64, local=0.05), Augment(), 64, seed=3)))
    assert valid[0].all()
    assert not valid[1].any()


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
    resumed = Run(config, tmp_path, CPU)
    assert resumed.step == state["step"] >= 2
    assert resumed.schedule.last_epoch == resumed.step
    image = torch.zeros(2, 3, 64, 64)
    resumed.learn(image, torch.zeros(2, 1, 64, 64), torch.ones(2, 1, 64, 64))
    assert resumed.step == state["step"] + 1


def test_two_processes_train_one_network(labelled, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "model.train"]
    options = ["--data", labelled, "--out", tmp_path, "--width", "4", "--steps", "3", "--devices", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([*command, *map(str, options)], cwd=ROOT, env=environment, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    assert b"MEMBER: 2/2" in done.stderr
    _, _, state = load_checkpoint(tmp_path / "checkpoint.pt")
    assert state["step"] == 3


def test_other_settings_do_not_take_up_a_checkpoint(tmp_path):
    Run(TINY, tmp_path, CPU).save()
    with pytest.raises(ClickException, match="other settings"):
        Run(replace(TINY, seed=9), tmp_path, CPU)


def test_a_run_may_begin_with_another_ones_average(tmp_path):
    first = Run(TINY, tmp_path, CPU)
    first.learn(torch.rand(2, 3, 64, 64), torch.ones(2, 1, 64, 64), torch.ones(2, 1, 64, 64))
    first.save()
    (tmp_path / "next").mkdir()
    tuned = Run(replace(TINY, seed=9, start=str(first.path)), tmp_path / "next", CPU)
    assert tuned.step == 0
    kept = first.average.module.state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in tuned.network.state_dict().items())


def test_a_run_may_begin_with_a_network_that_had_less_in_its_gates(tmp_path):
    first = Run(TINY, tmp_path, CPU)
    first.save()
    state = torch.load(first.path, weights_only=True)
    state["average"] = {name: value for name, value in state["average"].items() if "told" not in name}
    torch.save(state, first.path)
    (tmp_path / "next").mkdir()
    tuned = Run(replace(TINY, start=str(first.path)), tmp_path / "next", CPU)
    assert not tuned.network.gates[0].told.weight.any()
    state["average"]["module.other"] = torch.ones(1)
    torch.save(state, first.path)
    with pytest.raises(RuntimeError, match="other"):
        Run(replace(TINY, start=str(first.path)), tmp_path / "next", CPU)


def test_a_run_sees_films_small_at_first_also_when_it_was_killed(tmp_path, monkeypatch):
    sides, learn, film = list[int](), Run.learn, chest_phantom()
    regions, fov = np.zeros((*film.shape[:2], 2), np.uint8), np.ones(film.shape[:2], np.uint8)
    films = [Sample("p", "jsrt", "p", film, regions, fov, (True, True))]

    def seen(run: Run, image: torch.Tensor, *others: torch.Tensor) -> float:
        sides.append(image.shape[-1])
        if len(sides) in (2, 5):
            raise KeyboardInterrupt
        return learn(run, image, *others)

    monkeypatch.setattr(Run, "learn", seen)
    monkeypatch.setattr("model.train.load", lambda *_: films)
    config = replace(TINY, organ="chest", recipe="field", steps=4, half_steps=2)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path, tmp_path, every=1)
    train(config, tmp_path, tmp_path, every=1)
    assert sides == [128, 128, 128, 256, 256, 256]


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="momentum"):
        TrainConfig.from_dict({"momentum": 0.9})


def test_confusion_by_hand():
    marked = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], bool)
    truth = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0], bool)
    figures = confusion(marked, truth)
    assert figures["dice"] == pytest.approx(2 / 3)
    assert figures["iou"] == pytest.approx(1 / 2)
    assert figures["miou"] == pytest.approx((1 / 2 + 6 / 8) / 2)
    assert figures["accuracy"] == pytest.approx(0.8)
    assert figures["kappa"] == pytest.approx((0.8 - 0.58) / (1 - 0.58))


def test_outline_distance_by_hand():
    truth = np.zeros((60, 60), bool)
    truth[20:40, 20:40] = True
    assert hd95(truth, truth) == 0
    assert hd95(np.roll(truth, 3, axis=1), truth) == pytest.approx(3)
    assert np.isnan(hd95(np.zeros_like(truth), truth))


def test_calibration_and_ranking_by_hand():
    truth = np.array([True, True, True, False])
    figures = ranking(np.array([0.75, 0.75, 0.75, 0.75]), truth)
    assert figures["ece"] == pytest.approx(0)
    assert figures["auc"] == pytest.approx(0.5)
    assert ranking(np.array([0.9, 0.8, 0.7, 0.1]), truth)["auc"] == 1


def test_lesions_are_counted_one_by_one():
    truth, marked = np.zeros((50, 50), bool), np.zeros((50, 50), bool)
    truth[5:10, 5:10] = truth[30:40, 30:40] = True
    marked[7:12, 7:12] = marked[45:49, 5:9] = marked[20, 20] = True
    assert lesionwise(marked, truth) == (1, 2, 1, 2)


def test_an_interval_holds_its_mean_and_narrows_with_more_images():
    random = np.random.default_rng(1)
    few, many = ([{"dice": float(v)} for v in random.normal(0.8, 0.05, n)] for n in (10, 400))
    for rows in (few, many):
        figure = summary(rows)["dice"]
        assert figure["low"] < figure["mean"] < figure["high"]
    assert summary(many)["dice"]["high"] - summary(many)["dice"]["low"] < 0.02


FLOORS = {
    ("retina", "drive-test", "vessel"): 0.80,
    ("chest", "jsrt", "lung"): 0.975,
    ("chest", "jsrt", "heart"): 0.94,
    ("chest", "shenzhen", "lung"): 0.94,
    ("liver", "lits", "liver"): 0.90,
    ("liver", "msd", "liver"): 0.87,
}


@pytest.mark.parametrize("organ", [organ for organ in TASKS if release.newest(organ)])
def test_the_recorded_figures_are_those_of_the_weights(organ):
    folder = release.newest(organ)
    recorded = json.loads((Path(folder) / "metrics.json").read_text())
    assert recorded["release"]["sha256"] == release.load(folder).sha256
    card = (Path(folder) / "CARD.md").read_text("utf-8")
    assert recorded["release"]["sha256"] in card
    for dataset, judged in recorded["datasets"].items():
        for label, figures in judged["labels"].items():
            assert f"{figures['images']['dice']['mean']:.4f}" in card
            dice = figures["images"]["dice"]["mean"]
            assert dice >= FLOORS.get((organ, dataset, label), 0)
            assert recorded["fp32"][dataset][label]["dice"]["mean"] - dice <= 0.003, "lost by INT8"
