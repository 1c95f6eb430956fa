"""What systemd is told: ready when it is true, alive only from a loop that works, and a stop that loses no job."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import jobs, worker
from appliance.database import row
from appliance.notify import Notifier, notifier
from appliance.storage import Storage
from appliance.worker import Worker
from support.box import ROOT, Box, free_port


class Systemd:
    """A socket like systemd's, and what was told to it."""

    def __init__(self, path: Path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))

    def hear(self, within_s: float) -> str:
        self.socket.settimeout(within_s)
        return self.socket.recv(4096).decode()

    def wait_for(self, words: str, within_s: float = 90) -> None:
        until = time.monotonic() + within_s
        while self.hear(max(0.1, until - time.monotonic())) != words:
            pass

    def is_silent_for(self, seconds: float) -> bool:
        try:
            return not self.hear(seconds)
        except TimeoutError:
            return True


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    heard = Systemd(tmp_path / "notify")
    yield heard
    heard.socket.close()


def test_pings_no_more_often_than_asked(systemd):
    notify = Notifier(str(systemd.path), watchdog_s=0.9)
    notify.ready()
    assert systemd.hear(1) == "READY=1"
    for _ in range(50):
        notify.alive()
        time.sleep(0.01)
    assert systemd.hear(1) == "WATCHDOG=1"
    assert systemd.is_silent_for(0.05)


def test_without_systemd_nothing_is_told_and_another_process_is_not_fed(systemd):
    notifier({}).ready()
    theirs = notifier({"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "300000", "WATCHDOG_PID": "1"})
    theirs.alive()
    assert systemd.is_silent_for(0.2)
    ours = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "300000", "WATCHDOG_PID": str(os.getpid())}
    notifier(ours).alive()
    assert systemd.hear(1) == "WATCHDOG=1"


def test_a_manager_that_is_gone_does_no_harm(tmp_path):
    Notifier(str(tmp_path / "nobody")).ready()


@pytest.mark.parametrize("name", ["web", "worker", "llm"])
def test_each_process_says_ready_then_alive_then_falls_silent_when_it_hangs(name, systemd, tmp_path):
    box = Box(tmp_path / "data")
    told = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "3000000", "XIANGYI_LLM_INSTALL": "false"}
    told |= {"XIANGYI_LLM_CACHE": str(tmp_path / "cache")}
    environment = {**box.environment, **told}
    command = [sys.executable, "-m", "appliance"]
    subprocess.run([*command, "migrate"], env=environment, cwd=ROOT, check=True, capture_output=True)
    process = subprocess.Popen([*command, name], env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        systemd.wait_for("READY=1")
        systemd.wait_for("WATCHDOG=1", 10)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        while not systemd.is_silent_for(3):  # what was on its way
            pass
        process.send_signal(signal.SIGCONT)
        systemd.wait_for("WATCHDOG=1", 10)
        process.send_signal(signal.SIGTERM)
        systemd.wait_for("STOPPING=1", 10)
        assert process.wait(20) in (0, -signal.SIGTERM)  # uvicorn ends by the signal it was sent: clean to systemd
    finally:
        process.kill()


def test_a_job_that_hangs_is_fed_no_more_and_waits_again(settings, database, systemd, monkeypatch):
    monkeypatch.setattr(worker, "LONGEST_JOB_S", 0.5)
    monkeypatch.setattr(worker, "HANDLERS", {"hang": hang})
    quick = type(settings)(data_dir=settings.data_dir, lease_seconds=0.4, llm=settings.llm)
    job_id = database.write(lambda db: jobs.enqueue(db, "hang", "study"))
    running = Worker(quick, database, Storage(settings.data_dir / "files"), None, Notifier(str(systemd.path), 0.3))
    working = threading.Thread(target=running.run_one, args=[{"hang": hang}], daemon=True)
    working.start()
    systemd.wait_for("WATCHDOG=1", 5)
    while not systemd.is_silent_for(0.5):
        pass
    again = database.write(lambda db: jobs.claim(db, 10, 3, ("hang",)))
    assert again is not None and (again.id, again.attempts) == (job_id, 2)
    let_go.set()
    working.join(10)
    assert not working.is_alive()  # its lease is another's: what it did is dropped, and it ends


let_go = threading.Event()


def hang(*_):
    let_go.wait(30)
    return lambda db: None


STOPPED = """
import sys, threading, time
from pathlib import Path
from appliance import worker
from appliance.settings import load_settings
from appliance.logs import set_up_logs
set_up_logs("worker")
def hang(*_):
    print("working", flush=True)
    while True: time.sleep(0.1)
worker.HANDLERS["hang"] = hang
worker.STOP_WITHIN_S = 1.0
worker.Worker._warm_up = lambda self: None
worker.Worker.run_one.__defaults__[0]["hang"] = hang
worker.work(load_settings())
"""


def test_a_stop_hands_back_what_cannot_end_in_time_and_counts_no_attempt(settings, database):
    job_id = database.write(lambda db: jobs.enqueue(db, "hang", "study"))
    environment = {**os.environ, "XIANGYI_DATA_DIR": str(settings.data_dir), "XIANGYI_LLM_PORT": str(free_port())}
    process = subprocess.Popen([sys.executable, "-c", STOPPED], env=environment, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"working\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.kill()
    found = database.read(lambda db: row(db, "SELECT state, attempts, lease FROM jobs WHERE id = ?", job_id))
    assert found == {"state": "queued", "attempts": 0, "lease": None}
