"""A browser with an admin in it, on the real box, and all that went wrong on the pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.box import PASSWORD
from support.visit import FLAGS, Visit


class AdminVisit(Visit):
    """A page of a logged-in admin, who says yes to whatever the box asks again."""

    def watch(self) -> None:
        super().watch()
        self.page.on("dialog", lambda dialog: dialog.accept())


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
    assert visit.faults == [], visit.faults
