"""Every page of the box, furnished as after some weeks, judged by axe-core on a desktop and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Router
from playwright.sync_api import Page, expect

from appliance.database import Database
from appliance.settings import Settings
from model import release
from support import axe
from support.admin import AdminVisit, admin_in, chromium
from support.box import Box
from support.furnished import Furnished, furnish
from webadmin.routes import routes

WIDTHS = (1280, 375)
MOST_BYTES = 150_000
NO_PAGES = {"/admin/statistics/charts/{name:str}", "/{address:path}"}


def addresses(it: Furnished) -> dict[str, list[str]]:
    """What to visit for each route of the pages."""
    return {
        "/": ["/"],
        "/login": [],  # whoever is logged in is led on: looked at by itself
        "/studies": ["/studies"],
        "/studies/{study_id:str}": [f"/studies/{it.retina}", f"/studies/{it.series}?image=2", f"/studies/{it.refused}"],
        "/consultations": ["/consultations", f"/consultations?study={it.retina}", "/consultations?find=血压"],
        "/consultations/{consultation_id:str}": [f"/consultations/{it.emergency}", f"/consultations/{it.routine}"],
        "/headlines": ["/headlines"],
        "/health": ["/health"],
        "/account": ["/account"],
        "/announcements": ["/announcements", "/announcements?q=没有这样的"],
        "/announcements/{publication_id:str}": [f"/announcements/{it.announcement}"],
        "/articles": ["/articles"],
        "/articles/{publication_id:str}": [f"/articles/{it.article}"],
        "/admin": ["/admin"],
        "/admin/statistics": ["/admin/statistics"],
        "/admin/studies": ["/admin/studies", "/admin/studies?deleted=true"],
        "/admin/consultations": ["/admin/consultations"],
        "/admin/releases": ["/admin/releases"],
        "/admin/releases/{organ:str}/{version:str}": [f"/admin/releases/retina/{release.newest('retina').name}"],
        "/admin/comparisons/{comparison_id:str}": [f"/admin/comparisons/{it.comparison}"],
        "/admin/documents": ["/admin/documents"],
        "/admin/documents/{document_id:str}": [f"/admin/documents/{it.document}"],
        "/admin/publications": ["/admin/publications"],
        "/admin/publications/new": ["/admin/publications/new"],
        "/admin/publications/{publication_id:str}": [f"/admin/publications/{it.announcement}"],
        "/admin/comments": ["/admin/comments"],
        "/admin/users": ["/admin/users"],
        "/admin/users/new": ["/admin/users/new"],
        "/admin/users/import": ["/admin/users/import"],
        "/admin/users/{account_id:str}": [f"/admin/users/{it.account}"],
        "/admin/system": ["/admin/system"],
        "/admin/system/jobs": ["/admin/system/jobs"],
        "/admin/system/audit": ["/admin/system/audit"],
        "/admin/system/backups": ["/admin/system/backups"],
        "/admin/system/settings": ["/admin/system/settings"],
        "/admin/system/models": ["/admin/system/models"],
        "/admin/system/about": ["/admin/system/about"],
        "/admin/start": ["/admin/start"],
    }


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    axe.source()  # nothing is started where it would be in vain
    box = Box(tmp_path_factory.mktemp("furnished"), {"XIANGYI_LLM_ENABLED": "false"}).start(within_s=300)
    yield furnish(box)
    box.stop()


@pytest.fixture(scope="module")
def visit(furnished: Furnished) -> Iterator[AdminVisit]:
    with chromium() as browser, admin_in(browser, furnished.box.url) as opened:
        yield opened


def test_the_list_of_pages_is_whole(furnished, tmp_path: Path):
    database = Database(tmp_path / "empty.db")
    router = next(each for each in routes(Settings(data_dir=tmp_path), database) if isinstance(each, Router))
    paths = {"/" + route.path.strip("/") for route in router.routes if "GET" in route.methods}
    database.close()
    assert paths - NO_PAGES == set(addresses(furnished))


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_shuts_anyone_out(visit, furnished, width):
    visit.page.set_viewport_size({"width": width, "height": 812})
    broken: dict[str, list[str]] = {}
    for number, path in enumerate(path for paths in addresses(furnished).values() for path in paths):
        page = visit.open(path)
        visit.shot(f"page-{number:02}-{width}")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        if found := judged(page):
            broken[path] = found
    assert not broken, "\n".join(f"{path}\n  " + "\n  ".join(found) for path, found in broken.items())


@pytest.mark.slow
def test_what_appears_on_a_click_shuts_nobody_out(visit, furnished):
    page = visit.open(f"/studies/{furnished.retina}")
    page.click("[data-correct-open]")
    expect(page.locator("[data-correct]")).to_be_visible()
    assert judged(page) == []
    page = visit.open("/consultations")
    page.fill("[data-question]", "我妈突然胸口压着疼，出冷汗")
    page.click("[data-form] [data-submit]")
    expect(page.locator("[data-link]")).to_be_visible()
    assert judged(page) == []
    page = visit.open(f"/admin/users/{furnished.account}")
    page.click("summary:has-text('重置密码')")
    page.click("[data-reset]")
    expect(page.locator("[data-secret]")).to_be_visible()
    assert judged(page) == []


def test_the_log_in_and_its_refusal_shut_nobody_out(visit, furnished):
    browser = visit.page.context.browser
    assert browser is not None
    page = browser.new_page(locale="zh-CN", viewport={"width": 375, "height": 812})
    page.goto(f"{furnished.box.url}/login")
    assert judged(page) == []
    page.fill("[name=username]", "nobody")
    page.fill("[name=password]", "wrong")
    page.click("button[type=submit]")
    expect(page.get_by_text("用户名或密码不正确。")).to_be_visible()
    assert judged(page) == []
    page.close()


def judged(page: Page) -> list[str]:
    """All that is wrong with the page as it is now."""
    found = axe.serious(page)
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if over > 0:
        found.append(f"{over} px wider than the screen")
    if page.locator("h1").count() != 1:
        found.append("not one h1")
    if (size := len(page.content().encode())) > MOST_BYTES:
        found.append(f"{size} bytes")
    return found
