"""An update is kept or undone by itself, and a power cut at any of its steps leaves a box that boots and serves."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from support.box import ROOT, free_port
from support.small_release import SmallBox

PROGRAM = ROOT / "provisioning/roles/update/files/xiangyi-update"
# Runs the real program, and kills it where it comes to the named step.
CUT = """
import importlib.machinery, importlib.util, os, signal, sys
loader = importlib.machinery.SourceFileLoader("xiangyi_update", sys.argv[1])
spec = importlib.util.spec_from_loader(loader.name, loader)
module = importlib.util.module_from_spec(spec)
sys.modules[loader.name] = module
loader.exec_module(module)
step = sys.argv.pop(2)
module.reached = lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == step else print("·", name)
sys.argv.pop(0)
sys.exit(module.main())
"""
KEPT = ["backed up", "standing", "stopped", "database copied", "switching", "switched", "started", "ready", "committed"]
UNDONE = ["stopped to go back", "link back", "log removed", "database back"]
OVER = ["told", "over"]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[SmallBox]:
    """A box with version 1 and three films, serving."""
    made = SmallBox(tmp_path, free_port()).make()
    made.release("1")
    (tmp_path / "opt/xiangyi/current").symlink_to(tmp_path / "opt/xiangyi/releases/1")
    systemctl(made, "start", "xiangyi.target")
    with sqlite3.connect(tmp_path / "var/lib/xiangyi/xiangyi.db") as db:
        db.executemany("INSERT INTO films VALUES (?)", [("a",), ("b",), ("c",)])
    db.close()
    assert served(made) == {"version": "1", "films": 3}
    yield made
    kill_web(made)


def systemctl(box: SmallBox, *words: str) -> None:
    subprocess.run([box.root / "bin/systemctl", *words], env=box.environment, check=True)


def update(box: SmallBox, *words: str, wait_s: float = 20, cut: str = "") -> subprocess.CompletedProcess[str]:
    start = [sys.executable, "-c", CUT, PROGRAM, cut] if cut else [sys.executable, PROGRAM]
    more = ["--wait", str(wait_s)] if words[0] == "to" else []
    command = [*start, "--root", box.root, *words, *more]
    return subprocess.run(command, env=box.environment, capture_output=True, text=True, timeout=120)


def served(box: SmallBox) -> dict:
    until = time.monotonic() + 20
    while True:
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{box.port}/readyz").json()
        assert time.monotonic() < until, "nothing serves"
        time.sleep(0.05)


def kill_web(box: SmallBox) -> None:
    with suppress(OSError, ValueError):
        os.kill(int((box.root / "web.pid").read_text()), signal.SIGKILL)


def current(box: SmallBox) -> str:
    return (box.root / "opt/xiangyi/current").readlink().name


def schema(box: SmallBox) -> int:
    db = sqlite3.connect(box.root / "var/lib/xiangyi/xiangyi.db")
    found = db.execute("PRAGMA user_version").fetchone()[0], db.execute("PRAGMA integrity_check").fetchone()[0]
    db.close()
    assert found[1] == "ok"
    return found[0]


def left_over(box: SmallBox) -> list[str]:
    names = {path.name for path in (box.root / "var/lib/xiangyi-update").iterdir()}
    data = {path.name for path in (box.root / "var/lib/xiangyi").iterdir() if path.name.startswith("before")}
    return sorted(names - {"lock", "last.json"} | data)


def test_a_good_release_is_kept(box):
    box.release("2")
    done = update(box, "to", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [line[2:] for line in done.stdout.splitlines() if line.startswith("· ")]
    assert steps == KEPT + OVER  # the list of power cuts below is whole
    assert served(box) == {"version": "2", "films": 3} and schema(box) == 2
    assert (box.root / "gate").read_text() == "start" and left_over(box) == []
    assert (box.root / "var/lib/xiangyi/backup.db").exists()
    said = json.loads(update(box, "status", "--json").stdout)
    assert (said["running"], said["ready"], said["last"]["trouble"]) == ("2", ["1", "2"], "")


@pytest.mark.parametrize("fault", ["dies", "never ready", "bad migration", "doctor"])
def test_a_broken_release_is_undone_with_its_migrations(box, fault):
    box.release("2", fault)
    done = update(box, "to", "2", wait_s=2)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "已恢复 1" in done.stdout
    assert served(box) == {"version": "1", "films": 3} and current(box) == "1" and schema(box) == 1
    assert (box.root / "gate").read_text() == "start" and left_over(box) == []
    assert json.loads(update(box, "status").stdout)["last"]["trouble"]


@pytest.mark.parametrize(("step", "fault"), [(s, "") for s in KEPT + OVER] + [(s, "doctor") for s in UNDONE + OVER])
def test_a_power_cut_at_any_step_leaves_a_box_that_serves(box, step, fault):
    box.release("2", fault)
    assert update(box, "to", "2", cut=step).returncode == -signal.SIGKILL
    kill_web(box)
    assert update(box, "recover").returncode == 0  # what the unit does at boot
    systemctl(box, "start", "xiangyi.target")
    found = served(box)
    kept = not fault and step in ["committed", *OVER]
    assert found == {"version": "2" if kept else "1", "films": 3}
    assert current(box) == found["version"] and str(schema(box)) == found["version"] and left_over(box) == []
    if not kept:
        box.release("3")
        assert update(box, "to", "3").returncode == 0
        assert served(box) == {"version": "3", "films": 3}


@pytest.mark.parametrize("step", ["link back", "log removed", "database back", "told", "over"])
def test_a_second_power_cut_while_the_first_is_mended(box, step):
    box.release("2")
    assert update(box, "to", "2", cut="ready").returncode == -signal.SIGKILL
    kill_web(box)
    assert update(box, "recover", cut=step).returncode == -signal.SIGKILL
    assert update(box, "recover").returncode == 0
    systemctl(box, "start", "xiangyi.target")
    assert served(box) == {"version": "1", "films": 3} and schema(box) == 1 and left_over(box) == []


def test_nothing_is_touched_without_a_backup_or_a_whole_release(box):
    box.release("2")
    (box.root / "opt/xiangyi/releases/2/installed").unlink()
    assert "没有装完" in update(box, "to", "2").stderr
    assert "已经是 1" in update(box, "to", "1").stderr
    assert update(box, "to", "../../etc").returncode == 1
    (box.root / "opt/xiangyi/releases/2/installed").touch()
    (box.root / "var/lib/xiangyi/backup.db").mkdir()
    refused = update(box, "to", "2")
    assert refused.returncode == 1 and "备份没有成功" in refused.stderr
    assert served(box) == {"version": "1", "films": 3} and not (box.root / "gate").exists()


def test_an_update_that_was_killed_is_mended_by_the_next(box):
    box.release("2")
    assert update(box, "to", "2", cut="switched").returncode == -signal.SIGKILL
    done = update(box, "to", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert served(box) == {"version": "2", "films": 3} and left_over(box) == []


def test_old_releases_go_and_the_one_before_stays(box):
    for version in ("2", "3", "4", "5"):
        box.release(version)
        os.utime(box.root / f"opt/xiangyi/releases/{version}/installed", (int(version), int(version)))
        assert update(box, "to", version).returncode == 0
    left = sorted(path.name for path in (box.root / "opt/xiangyi/releases").iterdir())
    assert len(left) == 3 and {"4", "5"} <= set(left)
