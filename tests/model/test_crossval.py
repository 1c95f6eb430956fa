"""Cross-validation: taken up where it stopped, paired by patient, thresholds from patients that were held out."""

import json
from dataclasses import replace

import pytest
from click import ClickException

from model import crossval, train
from model.crossval import ARMS, THRESHOLDS, best_thresholds, compare
from model.data import predict
from model.datasets import fold, load
from model.preprocess import FundusPreprocess
from model.tasks import TASKS
from model.train import TrainConfig

TINY = TrainConfig(steps=2, width=4, warmup=2, folds=2)


def record(gain: list[float]) -> dict:
    """One fold whose patients gain so much by the gate; Dice is best at the fourth threshold."""
    folds = {}
    for arm, gated in ARMS.items():
        patients = {}
        for index, each in enumerate(gain):
            curve = [0.8 + gated * each - 0.01 * abs(step - 3) for step in range(len(THRESHOLDS))]
            patients[f"{'stare' if index % 2 else 'drive-train'}/{index}"] = {"vessel": curve}
        folds[arm] = {"patients": patients}
    return {"seeds": {"1": {"0": folds}}}


def test_an_arm_left_out_is_made_up_for_and_no_other(labelled, tmp_path):
    path = tmp_path / "retina.json"
    first = crossval.run(TINY, labelled, tmp_path / "work", path)
    held = [set(first["seeds"]["1"][index]["plain"]["patients"]) for index in "01"]
    assert not held[0] & held[1]
    assert len(held[0] | held[1]) == 20

    kept = json.loads(path.read_text())
    del kept["seeds"]["1"]["1"]["plain"]
    kept["seeds"]["1"]["0"]["plain"]["seconds"] = -5
    path.write_text(json.dumps(kept))
    again = crossval.run(TINY, labelled, tmp_path / "work", path)
    assert again["seeds"]["1"]["1"]["plain"]["patients"] == first["seeds"]["1"]["1"]["plain"]["patients"]
    assert again["seeds"]["1"]["0"]["plain"]["seconds"] == -5

    other = crossval.run(replace(TINY, seed=2), labelled, tmp_path / "work", path)
    assert other["seeds"]["1"] == again["seeds"]["1"]
    assert len(crossval.paired(other)) == 4

    with pytest.raises(ClickException, match="other settings"):
        crossval.run(TrainConfig(steps=3, width=4, folds=2), labelled, tmp_path / "work", path)
    path.write_text(json.dumps(again | {"preprocess": FundusPreprocess(diameter_px=600).to_dict()}))
    with pytest.raises(ClickException, match="other settings"):
        crossval.run(TINY, labelled, tmp_path / "work", path)


def test_the_mean_of_both_views_is_judged_and_what_was_trained_is_not_trained_again(labelled, tmp_path, monkeypatch):
    films = load(labelled, ("jsrt",), "train")[:6]
    for module in (crossval, train):
        monkeypatch.setattr(module, "load", lambda *_: films)
    config = replace(TINY, organ="chest", recipe="benchmark", side_px=64, clahe=2.0)
    work, learn, steps = tmp_path / "work", train.Run.learn, []
    alone = crossval.run(config, labelled, work, tmp_path / "alone.json")
    monkeypatch.setattr(train.Run, "learn", lambda run, *batch: steps.append(run.config.clahe) or learn(run, *batch))
    both = crossval.run(config, labelled, work, tmp_path / "both.json", both=True)
    assert steps == [0.0] * config.steps * config.folds * len(ARMS)
    assert (both["preprocess"]["clahe"], both["preprocess"]["local"]) == (2.0, 0.05) and both["summary"]

    film = fold(films, 0, config.folds, config.seed)[1][0]
    views = [replace(config, fold=0, clahe=clahe) for clahe in (0.0, 2.0)]
    folders = (work / "chest-64px-attention-1-0", work / "chest-clahe-64px-attention-1-0")
    networks = [train.train(view, labelled, folder).average.module for view, folder in zip(views, folders, strict=True)]
    seen = [predict(n.eval(), film, view.facts.preprocess, 16) for n, view in zip(networks, views, strict=True)]
    for told, answer in ((both, (seen[0] + seen[1]) / 2), (alone, seen[1])):
        expected = crossval.dice_at(answer[..., 1], film.regions[..., 1] > 0)
        curve = told["seeds"]["1"]["0"]["attention"]["patients"][film.patient]["heart"]
        assert curve == pytest.approx(expected, abs=1e-4)


def test_the_difference_is_paired():
    sure = compare(record([0.01, 0.012, 0.011, 0.009] * 5))["vessel"]
    assert sure["difference"]["low"] > 0.009
    assert sure["better"] == sure["patients"] == 20
    unsure = compare(record([0.02, -0.02] * 10))["vessel"]
    assert unsure["difference"]["low"] < 0 < unsure["difference"]["high"]
    assert set(sure["datasets"]) == {"drive-train", "stare"}


def test_a_patient_counts_once_with_the_mean_over_seeds():
    lucky, unlucky = record([0.02, 0.01] * 10), record([-0.02, 0.01] * 10)
    both = compare({"seeds": {"1": lucky["seeds"]["1"], "2": unlucky["seeds"]["1"]}})["vessel"]
    assert both["patients"] == 20
    assert both["difference"]["mean"] == pytest.approx(0.005, abs=1e-4)
    assert both["better"] == 10


def test_thresholds_come_from_the_sets_asked_for():
    mixed = record([0.0] * 4)
    for patient, labels in mixed["seeds"]["1"]["0"]["attention"]["patients"].items():
        if patient.startswith("stare"):
            labels["vessel"] = [*labels["vessel"][2:], 0.0, 0.0]
    assert best_thresholds(mixed, ("drive-train",)) == {"vessel": THRESHOLDS[3]}
    assert best_thresholds(mixed, ("stare",)) == {"vessel": THRESHOLDS[1]}


def test_thresholds_come_from_runs_of_the_same_recipe_and_eyes_and_about_the_same_length(tmp_path, monkeypatch):
    monkeypatch.setattr(crossval, "RECORDS", tmp_path)
    field = TrainConfig(recipe="field", steps=1000)
    assert crossval.thresholds_for(field) == {}
    same, other = field.facts.preprocess.to_dict(), FundusPreprocess(diameter_px=600).to_dict()
    cases = ((500, "field", same, True), (499, "field", same, False), (500, "benchmark", same, False))
    for steps, recipe, seen, chosen in (*cases, (500, "field", other, False)):
        kept = record([0.0] * 4) | {"settings": {"recipe": recipe, "steps": steps}, "preprocess": seen}
        (tmp_path / "retina.json").write_text(json.dumps(kept))
        assert bool(crossval.thresholds_for(field)) == chosen
        assert not crossval.thresholds_for(field, before=1), "a run that goes on with another one's weights"


@pytest.mark.parametrize("path", sorted(crossval.RECORDS.glob("*.json")), ids=lambda path: path.stem)
def test_the_records_kept_here_agree_with_their_summary(path):
    kept = crossval.read(path)
    settings = TrainConfig.from_dict(kept["settings"])
    both = bool(kept["preprocess"].get("clahe") and kept["preprocess"]["local"])
    assert path == crossval.record_path(settings.organ, settings.side_px, settings.clahe, both)
    assert kept["preprocess"].get("clahe", 0.0) == settings.clahe
    assert kept["summary"] == compare(kept)
    assert set(kept["summary"]) == {label.name for label in TASKS[kept["settings"]["organ"]].labels}
