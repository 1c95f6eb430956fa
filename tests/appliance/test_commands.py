"""The command line as a person at the box's own terminal uses it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from appliance.errors import Conflict
from appliance.settings import Settings
from appliance.studies import services
from appliance.studies.command import segment_files
from appliance.studies.orders import Order
from model import release
from model.phantom import phantom as organ_phantom
from model.phantom import slice_phantom
from model.tasks import TASKS
from support.box import ROOT, Box, free_port
from support.images import encoded, phantom


def xiangyi(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = Box(data_dir, {"XIANGYI_LLM_PORT": str(free_port())}).environment
    command = [sys.executable, "-m", "appliance", *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=180)


def test_segment_good_bad_and_refused_in_one_call(tmp_path):
    (tmp_path / "eye.png").write_bytes(encoded(phantom()))
    (tmp_path / "note.png").write_text("not a picture")
    (tmp_path / "blank.png").write_bytes(encoded(np.full((500, 500, 3), 200, np.uint8)))
    inputs = [str(tmp_path / name) for name in ("eye.png", "note.png", "blank.png", "gone.png")]
    done = xiangyi(tmp_path, "segment", "--organ", "retina", *inputs, "--out", str(tmp_path / "out"), "--json")
    assert done.returncode == 1
    results = json.loads(done.stdout)["results"]
    assert [result["input"] for result in results] == inputs
    assert [result["status"] for result in results] == ["ok", "failed", "refused", "failed"]
    for result in results:
        assert set(result) >= {"input", "status", "maskPath", "overlayPath", "findings", "quality", "release"}
    mask = np.asarray(Image.open(results[0]["maskPath"]))
    assert (mask.shape, mask.dtype, set(np.unique(mask))) == (phantom().shape[:2], np.uint8, {0, 1})
    assert Image.open(results[0]["overlayPath"]).size == mask.shape[::-1]
    assert results[1]["error"]["code"] == "image_type_unsupported"


def test_two_inputs_of_one_name_keep_both_results(tmp_path):
    for folder in ("left", "right"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "eye.png").write_bytes(encoded(phantom()))
    inputs = [str(tmp_path / folder / "eye.png") for folder in ("left", "right")]
    done = xiangyi(tmp_path, "segment", "--organ", "retina", *inputs, "--out", str(tmp_path / "out"), "--json")
    paths = {result["maskPath"] for result in json.loads(done.stdout)["results"]}
    assert len(paths) == 2
    assert all(Path(path).exists() for path in paths)


def test_a_series_of_known_spacing_has_a_volume(tmp_path):
    inputs = []
    for seed in (1, 2):
        inputs.append(str(tmp_path / f"{seed}.png"))
        Path(inputs[-1]).write_bytes(encoded(slice_phantom(seed)))
    spacing = ["--pixel-mm", "0.8", "--slice-mm", "5"]
    done = xiangyi(tmp_path, "segment", "--organ", "liver", *inputs, *spacing, "--out", str(tmp_path / "o"), "--json")
    said = json.loads(done.stdout)
    areas = [f["value"] for result in said["results"] for f in result["findings"] if f["code"] == "liver_area"]
    assert len(areas) == 2
    assert said["findings"][0]["code"] == "liver_volume"
    assert said["findings"][0]["value"] == pytest.approx(sum(areas) * 0.5, abs=0.06)
    wrong = xiangyi(tmp_path, "segment", "--organ", "liver", *inputs, "--pixel-mm", "0", "--out", str(tmp_path / "o"))
    assert wrong.returncode != 0
    assert "毫米" in wrong.stderr


def test_segment_without_a_release(tmp_path, monkeypatch):
    monkeypatch.setattr(services.release, "newest", lambda organ: None)
    with pytest.raises(Conflict, match="尚未安装"):
        segment_files(Settings(), Order("liver"), (tmp_path / "x.png",), tmp_path / "out")


@pytest.mark.parametrize("organ", [organ for organ in TASKS if release.newest(organ)])
def test_each_organ_is_segmented_to_a_mask_of_its_labels(tmp_path, organ):
    (tmp_path / "a.png").write_bytes(encoded(organ_phantom(organ)))
    done = xiangyi(tmp_path, "segment", "--organ", organ, str(tmp_path / "a.png"), "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["results"][0]
    mask = np.asarray(Image.open(result["maskPath"]))
    assert mask.shape == organ_phantom(organ).shape[:2]
    assert set(np.unique(mask)) <= {0, *(label.index for label in TASKS[organ].labels)}
    assert (mask == TASKS[organ].labels[0].index).mean() > 0.03


def test_doctor_names_each_fault_with_its_mend(tmp_path):
    done = xiangyi(tmp_path, "doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 1
    assert checks["worker"]["status"] == "fault"
    assert "xiangyi up" in checks["worker"]["mend_zh"]
    assert checks["weights"]["status"] == "ok"
    assert all(check["mend_zh"] for check in checks.values() if check["status"] != "ok")


def test_consult_with_the_model_away(tmp_path):
    away = xiangyi(tmp_path, "consult", "高血压平时怎么吃")
    assert away.returncode == 0 and "依据：" in away.stdout and "尚未经临床医生审核" in away.stdout
    urgent = xiangyi(tmp_path, "consult", "我爸突然口角歪斜，说话不清", "--json")
    assert json.loads(urgent.stdout)["triage"]["level"] == "emergency"


def test_backup_restores_what_was_there(tmp_path):
    data = tmp_path / "data"
    assert xiangyi(data, "user", "add", "lily", "--role", "clinician", "--password", "lily-word-1").returncode == 0
    archive = tmp_path / "box.tar"
    assert xiangyi(data, "backup", str(archive)).returncode == 0
    assert xiangyi(data, "user", "add", "late", "--password", "late-word-1").returncode == 0
    assert xiangyi(data, "restore", str(archive)).returncode == 0
    taken = xiangyi(data, "user", "add", "lily", "--password", "lily-word-1")
    assert "已被使用" in taken.stderr
    assert xiangyi(data, "user", "add", "late", "--password", "late-word-1").returncode == 0
    assert list(tmp_path.glob("data-before-*"))


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign"])
def test_a_damaged_archive_is_refused_and_nothing_changes(tmp_path, damage):
    data, archive = tmp_path / "data", tmp_path / "box.tar"
    xiangyi(data, "user", "add", "lily", "--password", "lily-word-1")
    xiangyi(data, "backup", str(archive))
    content = bytearray(archive.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 3] ^= 0xFF
    else:
        content = bytearray(b"PK\x03\x04 some other archive")
    archive.write_bytes(content)
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*.db")}
    done = xiangyi(data, "restore", str(archive))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*.db")} == before
    assert list(tmp_path.glob("data-before-*")) == []


def test_a_mistake_in_the_settings_is_one_sentence(tmp_path):
    (tmp_path / "xiangyi.toml").write_text("prot = 1")
    done = xiangyi(tmp_path, "doctor")
    assert (done.returncode, "prot" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
