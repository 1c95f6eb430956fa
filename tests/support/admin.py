"""A browser with an admin in it, on the real box, and all that went wrong on the pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from support.box import PASSWORD, ROOT

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SHOTS = ROOT / "tests" / "artifacts"


@dataclass
class AdminVisit:
    """A page of a logged-in admin; `faults` are its console's errors and addresses outside the box."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def shot(self, name: str) -> None:
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    def watch(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("dialog", lambda dialog: dialog.accept())

    def _note(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme in ("http", "https", "ws") and address.hostname != "127.0.0.1":
            self.faults.append(f"left the box: {url}")


@contextmanager
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium: sudo apt-get install -y chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


@contextmanager
def admin_in(browser: Browser, url: str, password: str = PASSWORD) -> Iterator[AdminVisit]:
    """Logged in as the first admin; in the end nothing may have gone wrong."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    context.set_default_timeout(60_000)
    visit = AdminVisit(context.new_page(), url)
    visit.open("/login?next=/admin")
    visit.page.fill("[name=username]", "admin")
    visit.page.fill("[name=password]", password)
    visit.page.click("button[type=submit]")
    visit.page.wait_for_url(f"{url}/**")
    visit.watch()
    yield visit
    context.close()
    assert visit.faults == []
