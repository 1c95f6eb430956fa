"""The real box: web, worker and language model as processes, spoken to over HTTP as a person's programs would."""

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import httpx
import numpy as np
import pytest
from PIL import Image

from model.datasets import load
from support.box import PASSWORD, ROOT, Box, free_port
from support.images import decoded, encoded, phantom


def submit(client: httpx.Client, content: bytes, name: str = "a.png", **query: object) -> httpx.Response:
    return client.post("/api/v1/studies", data={"organ": "retina"}, files={"file": (name, content)}, params=query)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_real_photos_come_back_with_their_vessels(box, labelled):
    """All 20 official test images over HTTP: mean Dice in the field of view, and masks of the input's size."""
    scores = []
    with box.client() as client:
        for sample in load(labelled, ("drive-test",)):
            path = labelled / "drive" / "test" / "images" / f"{sample.name}.tif"
            answer = submit(client, path.read_bytes(), path.name, wait=60)
            assert answer.status_code == 201, answer.text
            image = answer.json()["images"][0]
            mask = decoded(client.get(image["maskUrl"]).content)
            assert mask.shape == sample.regions[..., 0].shape
            inside = sample.fov > 0
            scores.append(dice(mask[inside] == 1, sample.regions[..., 0][inside] == 1))
            drawn = 100 * sample.regions[..., 0][inside].mean()
            assert abs(answer.json()["findings"][0]["value"] - drawn) < 8
    assert np.mean(scores) >= 0.81, scores


def test_wake_up_within_50_ms(box):
    """From the answer to a submission until the worker has claimed it; the best of ten, for machines are shared."""
    database = sqlite3.connect(box.data_dir / "xiangyi.db")
    waits = []
    with box.client() as client:
        for _ in range(10):
            study_id = submit(client, encoded(phantom()), wait=30).json()["id"]
            created, started = database.execute(
                "SELECT julianday(created_at), julianday(started_at) FROM jobs WHERE subject_id = ?", [study_id]
            ).fetchone()
            waits.append((started - created) * 86_400_000)
    assert np.median(waits) < 50, waits


def test_overlay_carries_the_ai_mark(box):
    with box.client() as client:
        study = submit(client, encoded(phantom()), wait=30).json()
        content = client.get(study["images"][0]["overlayUrl"]).content
    with Image.open(io.BytesIO(content)) as overlay:
        xmp = overlay.info["xmp"].decode()
        corner = np.asarray(overlay)[-40:, -140:]
    assert "TC260:AIGC" in xmp
    assert study["id"] in xmp
    assert (corner.min(axis=2) > 200).sum() > 100  # white strokes
    assert study["disclaimer"]


def test_kill_9_in_the_middle_of_a_job(tmp_path):
    """The worker is killed while it segments; the job finishes after the restart, once, and the upload is there."""
    box = Box(tmp_path, {"XIANGYI_LLM_ENABLED": "false", "XIANGYI_LEASE_SECONDS": "3"}).start()
    try:
        with box.client() as client:
            big = np.asarray(Image.fromarray(phantom()).resize((4000, 4136)))
            study_id = submit(client, encoded(big, "JPEG", quality=90)).json()["id"]
            database = sqlite3.connect(box.data_dir / "xiangyi.db", timeout=10)
            deadline = time.monotonic() + 30
            while database.execute("SELECT state FROM jobs").fetchone()[0] != "running":
                assert time.monotonic() < deadline
                time.sleep(0.005)
            os.kill(box.pid("worker"), signal.SIGKILL)
            assert client.get("/healthz").status_code == 200
            study = client.get(f"/api/v1/studies/{study_id}", params={"wait": 60}, timeout=90).json()
            assert study["status"] == "succeeded"
            state, attempts = database.execute("SELECT state, attempts FROM jobs").fetchone()
            assert (state, attempts) == ("succeeded", 2)
            assert database.execute("SELECT count(*) FROM images").fetchone()[0] == 1
            assert "worker 意外退出" in box.told()
    finally:
        box.stop()


def test_kill_9_of_everything_loses_no_acknowledged_upload(tmp_path):
    box = Box(tmp_path, {"XIANGYI_LLM_ENABLED": "false", "XIANGYI_LEASE_SECONDS": "3"}).start()
    with box.client() as client:
        ids = [submit(client, encoded(np.roll(phantom(), shift, axis=1))).json()["id"] for shift in range(6)]
    for name in ("worker", "web"):
        os.kill(box.pid(name), signal.SIGKILL)
    box.process.kill()
    box.process.wait()
    box.port, box.llm_port = free_port(), free_port()
    box.start()
    try:
        with box.client() as client:
            for study_id in ids:
                study = client.get(f"/api/v1/studies/{study_id}", params={"wait": 60}, timeout=90).json()
                assert study["status"] == "succeeded"
        check = sqlite3.connect(box.data_dir / "xiangyi.db").execute("PRAGMA integrity_check").fetchone()[0]
        assert check == "ok"
    finally:
        assert box.stop() == 0


def test_the_real_model_answers_in_chinese(box):
    box.wait_for_llm()
    with box.client() as client:
        answer = client.post("/api/v1/consultations", json={"question": "高血压平时怎么吃？"})
        assert answer.status_code == 201, answer.text
        consultation = answer.json()
        assert sum("\u4e00" <= c <= "\u9fff" for c in consultation["answer"]) >= 20
        assert (consultation["source"], consultation["triage"]["level"]) == ("local", "routine")
        assert consultation["sources"] and "@cc324af070c2" in consultation["model"]
        assert consultation["disclaimer"]
        again = client.get(f"/api/v1/consultations/{consultation['id']}").json()
        assert again == consultation


def test_the_answer_streams(box):
    box.wait_for_llm()
    events = []
    with (
        box.client() as client,
        client.stream(
            "POST",
            "/api/v1/consultations",
            json={"question": "失眠怎么调理？"},
            headers={"Accept": "text/event-stream"},
        ) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("event:"):
                events.append((line.removeprefix("event:").strip(), time.monotonic()))
            if line.startswith("data:"):
                last = json.loads(line.removeprefix("data:"))
    names = [name for name, _ in events]
    assert names[0] == "triage"
    assert names[-1] == "done"
    assert names.count("delta") >= 2
    assert events[-1][1] - events[1][1] > 0.05, "the pieces came all at once"
    assert last["answer"]


def test_the_language_model_dies_and_comes_back(box):
    """The passage answers while it is away; pictures go on; the model answers when it is back, by itself."""
    box.wait_for_llm()
    with box.client() as client:
        os.kill(box.pid("llm"), signal.SIGKILL)
        answer = client.post("/api/v1/consultations", json={"question": "感冒了怎么办？"})
        assert (answer.status_code, answer.json()["source"]) == (201, "passages")
        assert submit(client, encoded(phantom()), wait=30).json()["status"] == "succeeded"
        box.wait_for_llm(120)
        assert client.post("/api/v1/consultations", json={"question": "高血压平时怎么吃？"}).json()["source"] == "local"


def test_several_at_once(box):
    with box.client() as client:
        ids = [submit(client, encoded(np.roll(phantom(), n, axis=0))).json()["id"] for n in range(8)]
        statuses = [client.get(f"/api/v1/studies/{i}", params={"wait": 60}, timeout=90).json()["status"] for i in ids]
    assert statuses == ["succeeded"] * 8


def test_a_huge_upload_is_refused_and_the_box_still_serves(box):
    def body():
        for _ in range(300):
            yield b"\0" * 1024 * 1024

    with box.client() as client:
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(300 * 1024 * 1024)}
        answer = client.post("/api/v1/studies", content=body(), headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "study_too_large")
        assert client.get("/readyz").status_code == 200


def test_logs_hold_no_patient_data(box):
    with box.client() as client:
        submit(client, encoded(phantom()), name="王小明-眼底.png", wait=30)
        client.post("/api/v1/consultations", json={"question": "王小明突然胸口剧痛出冷汗"})
    for name in ("web", "worker", "llm"):
        assert "王小明" not in box.log(name)
        assert PASSWORD not in box.log(name)


def test_stop_is_clean_and_a_second_start_is_quick(tmp_path):
    box = Box(tmp_path, {"XIANGYI_LLM_ENABLED": "false"}).start()
    pids = [box.pid("web"), box.pid("worker")]
    assert box.stop() == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)  # noqa: PTH110
    assert "已停止" in box.told()
    started = time.monotonic()
    box.start()
    print(f"second start: {time.monotonic() - started:.1f} s")
    box.stop()


@pytest.mark.parametrize("which", ["port", "llm_port"])
def test_a_taken_port_is_one_sentence_with_the_mend(tmp_path, box, which):
    second, taken = Box(tmp_path), getattr(box, which)
    setattr(second, which, taken)
    command = [sys.executable, "-m", "appliance", "up"]
    done = subprocess.run(command, env=second.environment, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"端口 {taken} 已被占用" in done.stderr
    assert "make run" in done.stderr
    assert "Traceback" not in done.stderr
