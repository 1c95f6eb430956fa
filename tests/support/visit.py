"""A visit to the pages in real Chromium, by a person who is logged in."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from support.box import PASSWORD, ROOT, Box

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync", "--no-first-run"]
SHOTS = ROOT / "tests" / "artifacts"


@dataclass
class Visit:
    """A page of a logged-in person, with all that went wrong on it."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def upload(self, path: Path) -> None:
        self.open("/")
        self.page.set_input_files("[data-file]", path)
        self.page.click("[data-submit]")

    def shot(self, name: str) -> None:
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    def watch(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self.note_said)
        self.page.on("request", lambda request: self.note_request(request.url))

    def note_said(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.faults.append(f"{said.text} {said.location.get('url', '')}".strip())

    def note_request(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme in ("http", "https", "ws") and address.hostname != "127.0.0.1":
            self.faults.append(f"left the box: {url}")


def visit_as(browser: Browser, box: Box, username: str = "admin", **context: object) -> tuple[Visit, BrowserContext]:
    """A visit of its own; close the context at the end."""
    opened = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "zh-CN", **context})
    visit = Visit(opened.new_page(), box.url)
    visit.open("/login")
    visit.page.fill("[name=username]", username)
    visit.page.fill("[name=password]", PASSWORD)
    visit.page.click("button[type=submit]")
    expect(visit.page.locator("[data-upload]")).to_be_visible()
    visit.watch()
    return visit, opened
