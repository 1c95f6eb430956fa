"""A bare Debian with no route becomes a box from a bundle, and changes releases by one; on a machine of its own."""

import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import caches
from support.bundles import build
from support.machine import Machine, lacking

pytestmark = pytest.mark.slow
SITE = "{box_llm: false, box_admin_password: test-password-1}"
READY = 'python3 -c "import urllib.request as u; print(u.urlopen(\\"http://127.0.0.1:8080/readyz\\").read().decode())"'


@pytest.fixture(scope="module")
def signer() -> Iterator[Path]:
    folder = Path("/tmp") / f"xiangyi-gnupg-{os.getpid()}-m"
    build.make_signer(folder)
    yield folder
    subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False)
    shutil.rmtree(folder, ignore_errors=True)  # the agent takes its sockets away meanwhile


@pytest.fixture(scope="module")
def bundles(tmp_path_factory, signer) -> dict[str, Path]:
    """Three of them: a first version, a good one after it, and one whose pages do not start."""
    if lacking():
        pytest.skip(f"no machine here: {lacking()}")
    folder = tmp_path_factory.mktemp("bundles")
    try:
        build.build(folder, signer, None)
    except build.Refused as refusal:
        pytest.skip(f"no bundle here: {refusal}")
    first = next(path for path in folder.glob("xiangyi-*") if path.is_dir())
    next((first / "wheels").glob("xiangyi-*.whl")).unlink()
    made = {}
    for name, version in (("first", "9.1.0"), ("good", "9.2.0"), ("broken", "9.3.0")):
        made[name] = shutil.copytree(first, folder / version, copy_function=os.link)
        wheel = caches.project_wheel(folder, version)
        shutil.copy2(break_pages(wheel) if name == "broken" else wheel, made[name] / "wheels")
        for stale in ("SHA256SUMS", "SHA256SUMS.sig", "key.gpg"):
            (made[name] / stale).unlink()
        build.sign(made[name], signer)
    return made


def break_pages(wheel: Path) -> Path:
    broken = wheel.with_suffix(".new")
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(broken, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "appliance/web.py":
                content = content.replace(b"def serve(", b"def serve(*_):\n    raise SystemExit(1)\n\n\ndef served(")
            target.writestr(entry, content)
    return broken.replace(wheel)


@pytest.fixture(scope="module")
def machine(tmp_path_factory, bundles) -> Iterator[Machine]:
    mounts = {f"/{name}": str(folder) for name, folder in bundles.items()}
    made = Machine(tmp_path_factory.mktemp("offline"), number=7, mounts=mounts).make()
    made.start()
    yield made
    made.stop()


def install(machine: Machine, name: str, *words: str) -> str:
    return machine.run(f"/{name}/install {' '.join(words)} 2>&1; echo code=$?", check=False, within_s=2400)


def status(machine: Machine) -> dict:
    return json.loads(machine.run("/usr/local/sbin/xiangyi-update status --json"))


def wait_until_ready(machine: Machine, within_s: float = 300) -> None:
    until = time.monotonic() + within_s
    while '"ready"' not in machine.run(READY, check=False):
        assert time.monotonic() < until, machine.run("journalctl -b -u 'xiangyi-*' --no-pager | tail -40")
        time.sleep(1)


def test_a_bare_machine_without_a_route_becomes_a_box(machine, signer):
    assert "default" not in machine.run("ip route")
    machine.run(f"mkdir -p /etc/xiangyi && echo '{SITE}' >/etc/xiangyi/site.yml")
    refused = install(machine, "first", "--fingerprint", "0" * 40)
    assert "code=1" in refused and "与给出的不同" in refused
    done = install(machine, "first", "--fingerprint", build.make_signer(signer))
    assert "code=0" in done and "AGE-SE" in done, done[-3000:]
    wait_until_ready(machine)
    assert status(machine)["running"] == "9.1.0"
    assert machine.run("stat -c '%a %U %G' /etc/xiangyi/backup.key") == "640 root xiangyi"


def test_the_timers_backup_works_under_its_bounds(machine):
    machine.run("systemctl start xiangyi-backup.service", within_s=600)
    listed = machine.run("ls /var/lib/xiangyi/backups")
    assert listed.endswith(".tar.age")
    told = machine.run("systemd-analyze security xiangyi-backup.service --no-pager | tail -1")
    assert float(told.split()[-3]) <= 1.5, told


def test_a_broken_release_is_undone(machine):
    done = install(machine, "broken")
    assert "没有更新到 9.3.0" in done and "code=2" in done, done[-3000:]
    said = status(machine)
    assert said["running"] == "9.1.0" and said["last"]["trouble"] and not said["unfinished"]
    wait_until_ready(machine)
    assert machine.run("systemctl is-active nginx.service") == "active"


def test_a_power_cut_while_a_release_is_on_trial(machine):
    """It boots as what it was, and the next try is kept."""
    trial = subprocess.Popen([*machine.ssh, "sudo", "-n", "/good/install"], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 2400
    look = "cat /var/lib/xiangyi-update/journal.json 2>/dev/null; readlink /opt/xiangyi/current"
    while not ("switching" in (seen := machine.run(look, check=False)) and seen.endswith("9.2.0")):
        assert time.monotonic() < until and trial.poll() is None, seen
        time.sleep(0.2)
    machine.cut_power()
    trial.wait()
    machine.start()
    wait_until_ready(machine)
    assert status(machine)["running"] == "9.1.0" and not status(machine)["unfinished"]
    rows = machine.run("sqlite3 /var/lib/xiangyi/xiangyi.db 'PRAGMA integrity_check; SELECT count(*) FROM accounts'")
    assert rows.split() == ["ok", "1"]
    done = install(machine, "good")
    assert "code=0" in done, done[-3000:]
    assert status(machine)["running"] == "9.2.0"
