"""What the browser tests share: a browser, a visit whose faults fail the test, a picture to upload."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.box import Box
from support.images import encoded, phantom
from support.visit import FLAGS, Visit, visit_as


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium: sudo apt-get install -y chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser, box: Box) -> Iterator[Visit]:
    visit, context = visit_as(browser, box)
    yield visit
    context.close()
    assert visit.faults == []


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "phantom.png"
    path.write_bytes(encoded(phantom()))
    return path
