"""No box is touched before the canary has come through, whether it refuses, or is not there at all.

This machine plays the boxes, and nothing may change on it: a value that is refused stops whoever gets past the canary,
and --check stands behind that.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.box import ROOT

HERE = {"ansible_connection": "local", "ansible_become": False}
SWITCHED_OFF = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_user": "nobody"}
LOST = "先行的盒子没有完成：first"


def rollout(folder: Path, canary: dict, *options: str) -> str:
    """What site.yml says of a canary "first" and a box "second", both with a wrong value."""
    playbook = Path(sys.executable).with_name("ansible-playbook")
    if not playbook.exists():
        pytest.skip("no ansible")
    groups = {"canary": {"hosts": {"first": canary}}, "county": {"hosts": {"second": HERE}}}
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"boxes": {"children": groups}}), "utf-8")
    done = subprocess.run(
        [playbook, "-i", inventory, "site.yml", "--check", "-e", "box_ready_seconds=soon", *options],
        cwd=ROOT / "provisioning",
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_a_canary_that_refuses_stops_all(tmp_path):
    said = rollout(tmp_path, HERE)
    assert "failed: [first] (item=box)" in said and "[second]" not in said


def test_a_canary_that_is_switched_off_stops_all(tmp_path):
    said = rollout(tmp_path, SWITCHED_OFF)
    assert "fatal: [first]: UNREACHABLE!" in said and LOST in said
    assert "failed: [second]" not in said, "second was looked at further"


def test_a_rollout_to_a_county_alone_waits_for_no_canary(tmp_path):
    said = rollout(tmp_path, SWITCHED_OFF, "--limit", "county")
    assert LOST not in said and "failed: [second] (item=box)" in said
