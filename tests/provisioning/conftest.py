"""One machine for all tests of the playbook: bare at first, then provisioned once, and asked in the tests' order."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llm.arrival import arrive, default_cache
from llm.progress import Progress
from llm.registry import find_model
from support import caches, machine
from support.box import PASSWORD, ROOT
from support.lan import Lan
from support.machine import Machine, Played

MODEL = "smollm2-135m"
TIMES = ROOT / "tests" / "artifacts" / "provisioning.json"


class Times:
    """How long each step took: printed, and kept for provisioning/README.md."""

    def __init__(self) -> None:
        self._kept: dict[str, float] = {}

    def note(self, step: str, seconds: float) -> None:
        self._kept[step] = round(seconds, 1)
        print(f"{step}: {seconds:.1f} s")
        TIMES.parent.mkdir(exist_ok=True)
        TIMES.write_text(json.dumps(self._kept, ensure_ascii=False, indent=2))


@pytest.fixture(scope="session")
def times() -> Times:
    return Times()


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory, times: Times) -> Iterator[Machine]:
    """A machine as Debian's installer leaves it, with the wheels as on a USB stick; or the reason why there is none."""
    if reason := machine.lacking():
        pytest.skip(reason)
    try:
        made = Machine(tmp_path_factory.mktemp("machine"), 1, {"/mnt/wheels": str(caches.wheels())}).make()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no bare Debian can be made here: {error}")
    try:
        times.note("bare machine can be reached", made.start())
        with caches.packages(made.gateway, machine.PROXY_PORT):
            yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout, as it is installed."""
    return caches.project_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def hospital(wheel: Path) -> dict[str, Any]:
    """The variables of the tests' hospital: no internet behind the machine, and the smallest of language models."""
    model = find_model(MODEL)
    assert model is not None
    given = {"box_wheel": str(wheel), "box_wheels": "/mnt/wheels", "box_hospital": "青河镇卫生院"}
    file = arrive(MODEL, default_cache(), True, Progress(), threading.Event())
    given |= {"box_llm_model": MODEL, "box_llm_file": str(file), "box_llm_sha256": model.sha256, "box_llm_fetch": False}
    return given | {"box_admin_password": PASSWORD, "box_settings": {"headlines": {"interval_minutes": 0}}}


@pytest.fixture(scope="session")
def play(bare: Machine, hospital: dict[str, Any]) -> Callable[..., Played]:
    """Run site.yml as the tests' hospital has it."""
    return lambda *options, **variables: bare.play("site.yml", *options, **{**hospital, **variables})


@pytest.fixture(scope="session")
def others(bare: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Machine]]:
    """Makes one more bare machine, which fetches packages where the first one does."""
    made: list[Machine] = []

    def make(number: int) -> Machine:
        folder, mounts = tmp_path_factory.mktemp(f"machine{number}"), {"/mnt/wheels": str(caches.wheels())}
        made.append(Machine(folder, number, mounts, bare.gateway).make())
        made[-1].start()
        made[-1].run(f"ip route replace 10.213.0.0/16 via {made[-1].gateway}")
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture(scope="session")
def box(bare: Machine, play: Callable[..., Played], times: Times) -> Machine:
    """The machine after the playbook's first run."""
    first = play()
    assert first.code == 0, first.output[-6000:]
    times.note("first run of site.yml", first.seconds)
    return bare


@pytest.fixture(scope="session")
def lan(box: Machine) -> Lan:
    """A PC of the hospital, which has the box's root certificate installed and nothing else."""
    return Lan(box.address)
