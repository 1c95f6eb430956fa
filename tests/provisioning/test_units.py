"""What can be said of the units and the playbook without a machine."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from support.box import ROOT
from support.caches import project_wheel

UNITS = sorted([*(ROOT / "systemd").glob("*.service"), *(ROOT / "provisioning").glob("roles/*/files/*.service")])
# Root by need: what mends WireGuard's interface, and what owns the proxy's keys and reloads it.
ROOTS = {"xiangyi-tunnel-watch": 2.5, "xiangyi-certificate": 3.0}
ROLES = sorted((ROOT / "provisioning" / "roles").iterdir())
HARDENING = "# --- what the process may do"


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_each_unit_is_hardened(unit):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    command = ["systemd-analyze", "security", "--offline=true", str(unit)]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", said)[1])
    assert exposure <= ROOTS.get(unit.stem, 1.5), said


def test_the_common_hardening_is_the_same_in_every_unit():
    """But for what each says a reason for: address families and /proc."""
    own = ("RestrictAddressFamilies=", "ProcSubset=")
    seen = {}
    for name in ("prepare", "web", "worker", "llm"):
        lines = (ROOT / "systemd" / f"xiangyi-{name}.service").read_text().split(HARDENING)[1].split("[Install]")[0]
        seen[name] = [line for line in lines.split("\n")[1:] if "=" in line and not line.startswith((*own, "#"))]
    assert seen["web"] == seen["worker"] == seen["llm"] == seen["prepare"]


def test_no_comment_stands_behind_a_value():
    """systemd would take it for a part of the value."""
    for unit in ROOT.glob("systemd/*"):
        for line in unit.read_text().split("\n"):
            assert line.startswith("#") or " #" not in line, f"{unit.name}: {line}"


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_every_variable_is_described_and_has_a_default(role):
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]
    options = specs.get("options") or {}
    assert all(spec["description"] for spec in options.values())
    written = role / "defaults" / "main.yml"
    defaults = set(yaml.safe_load(written.read_text()) or {}) if written.exists() else set()
    shared = set(yaml.safe_load((ROOT / "provisioning" / "group_vars" / "all.yml").read_text()))
    left = {name for name, spec in options.items() if not spec.get("required")} - shared
    assert defaults <= set(options), "a default that nobody describes"
    assert {name for name in left - defaults if "when it is not given" not in options[name]["description"]} == set()


def test_the_playbooks_pass_ansible_lint_at_the_production_profile():
    lint = Path(sys.executable).with_name("ansible-lint")
    if not lint.exists():
        pytest.skip("no ansible-lint")
    environment = {**os.environ, "PATH": f"{lint.parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(
        [lint, "--offline", "--profile", "production"],
        cwd=ROOT / "provisioning",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_the_wheel_holds_all_that_the_box_serves(tmp_path):
    held = set(zipfile.ZipFile(project_wheel(tmp_path)).namelist())
    listed = subprocess.run(
        ["git", "ls-files", "appliance", "model", "llm", "webadmin"], cwd=ROOT, capture_output=True, text=True
    )
    served = [
        name for name in listed.stdout.split() if "/releases/" in name or "/static/" in name or "/templates/" in name
    ]
    served += [name for name in listed.stdout.split() if name.endswith((".py", ".toml", ".tsv", ".npz"))]
    missing = [name for name in served if name not in held and not name.startswith("llm/evaluation/")]
    assert missing == []
