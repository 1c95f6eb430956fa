"""What the browser tests share: a browser, a visit whose faults fail the test, a picture to upload."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.admin import chromium
from support.box import Box
from support.images import encoded, phantom
from support.visit import Visit, visit_as


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


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
