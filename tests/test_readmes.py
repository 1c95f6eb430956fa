"""Documentation that cannot rot: every path and every command that a README names exists."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from appliance.__main__ import main
from support.box import ROOT

LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
READMES = sorted(ROOT / line for line in LISTED.stdout.split() if (ROOT / line).exists())
MADE = (
    "var",
    ".venv",
    "bench.json",
    "xiangyi.toml",
    "tests/artifacts",
    "runs",
    "build",
    ".cache",
)  # by running, not by git
PACKAGES = ("appliance", "model", "llm", "webadmin", "miniprogram", "tests")


def names(readme: Path) -> list[str]:
    """What stands in `back quotes` or behind a link, outside of code blocks."""
    text = re.sub(r"```.*?```", "", readme.read_text("utf-8"), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text) + re.findall(r"\]\(([^)#]+)\)", text)


def is_path(name: str) -> bool:
    return bool(re.fullmatch(r"[\w.-]+(/[\w.*-]*)+|[\w-]+\.(py|md|toml|png|sh|html|css|js|json)", name))


def exists(readme: Path, name: str) -> bool:
    name = name.rstrip("/")
    if name.startswith("../shared") or any(name == made or name.startswith(f"{made}/") for made in MADE):
        return True
    places = [readme.parent, ROOT, *(ROOT / package for package in PACKAGES), ROOT / "appliance" / "studies"]
    return any(
        list(place.glob(name)) or ("/" not in name and list(place.glob(f"static/**/{name}"))) for place in places
    )


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_exists(readme):
    wrong = [name for name in names(readme) if is_path(name) and not exists(readme, name)]
    assert wrong == []


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_exists(readme):
    text = readme.read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for target in re.findall(r"`(?:\w+=\S* )*make ([a-z]+)`", text):
        assert target in targets, f"make {target}"
    for line in re.findall(r"xiangyi ([a-z]+(?: [a-z]+)?)", text):
        first, *second = line.split()
        command = main.commands.get(first)
        assert command is not None, f"xiangyi {line}"
        if isinstance(command, click.Group) and second:
            assert second[0] in command.commands, f"xiangyi {line}"
    for module in set(re.findall(r"python -m ([a-z_.]+)", text)):
        done = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, f"python -m {module}: {done.stderr[-300:]}"


def test_every_command_is_in_the_readme():
    text = (ROOT / "README.md").read_text("utf-8")
    for name in main.commands:
        assert re.search(rf"xiangyi {name}\b|`{name}`", text), f"xiangyi {name} has no documentation"


def test_each_top_level_folder_has_a_readme():
    for package in PACKAGES:
        assert (ROOT / package / "README.md").exists()


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    from appliance.app import VERSION

    assert project == VERSION
    assert f"## {project}" in (ROOT / "CHANGELOG.md").read_text()
