"""Fixtures that all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.box import ROOT, Box


@pytest.fixture(scope="session")
def labelled() -> Path:
    """The folder of labelled images; a machine without it skips what needs it, and says so."""
    folder = Path(os.environ.get("XIANGYI_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "drive").is_dir():
        pytest.skip(f"no labelled images in {folder}: set XIANGYI_DATA")
    return folder


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One real box for all end-to-end tests: web, worker and language model as processes."""
    running = Box(tmp_path_factory.mktemp("box")).start()
    yield running
    running.stop()
