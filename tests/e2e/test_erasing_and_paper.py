"""A person erases their own data, many files become many studies, a result goes to paper: in real Chromium."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from support.admin import AdminVisit, admin_in, chromium
from support.box import PASSWORD, Box
from support.images import encoded, phantom


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    running = Box(tmp_path_factory.mktemp("own"), {"XIANGYI_LLM_ENABLED": "false"}).start(within_s=300)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def visit(box: Box) -> Iterator[AdminVisit]:
    with chromium() as browser, admin_in(browser, box.url) as opened:
        yield opened


def test_many_files_become_one_study_each_and_a_retry_sends_none_twice(visit, box, tmp_path):
    files = []
    for number in (1, 2, 3):
        files.append(tmp_path / f"{number}.png")
        files[-1].write_bytes(encoded(phantom()))
    page = visit.open("/")
    page.set_input_files("[data-file]", files[0])
    expect(page.locator("[data-together]")).to_be_hidden()
    page.set_input_files("[data-file]", files)
    page.check("[name=together][value=each]")
    visit.shot("upload-each-1280")
    page.route("**/api/v1/studies?*", Cut(fails_at=2), times=2)
    page.click("[data-submit]")
    expect(page.locator("[data-error]")).to_contain_text("2.png")
    expect(page.locator(".preview")).to_have_count(2)
    visit.faults.clear()  # Chromium logs the cut connection
    page.click("[data-submit]")
    page.wait_for_url("**/studies")
    with box.client() as client:
        studies = client.get("/api/v1/studies").json()["items"]
    assert sorted(image["name"] for study in studies for image in study["images"]) == ["1.png", "2.png", "3.png"]
    assert len(studies) == 3


class Cut:
    """Lets requests pass until the one that loses its connection."""

    def __init__(self, fails_at: int):
        self.left = fails_at

    def __call__(self, route) -> None:
        self.left -= 1
        route.continue_() if self.left else route.abort()


def test_a_result_fits_one_sheet_with_what_a_record_needs(visit, box):
    with box.client() as client:
        client.patch("/api/v1/settings", json={"hospital_name": "青山镇<b>卫生院</b>"}).raise_for_status()
        files = {"file": ("eye.png", encoded(phantom()))}
        study = client.post("/api/v1/studies?wait=60", data={"organ": "retina"}, files=files).json()
    page = visit.open(f"/studies/{study['id']}")
    expect(page.locator("[data-viewer][data-ready]")).to_be_visible()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.set_viewport_size({"width": 794 - 120, "height": 1000})  # A4 at 96 dpi without its margins
    page.emulate_media(media="print")
    paper = page.locator(".paper")
    for text in ("青山镇<b>卫生院</b>", study["id"], "admin", "患者姓名"):
        expect(paper).to_contain_text(text)
    expect(page.locator("[data-printed]")).to_contain_text("20")
    expect(page.locator(".signature")).to_be_visible()
    expect(page.locator(".finding").first).to_be_visible()
    expect(page.get_by_text(study["disclaimer"]).first).to_be_visible()
    for hidden in (".header", ".footer", ".controls", ".versions"):
        expect(page.locator(hidden).first).to_be_hidden()
    layer, picture = (page.locator(each).bounding_box() for each in ("[data-layer]", "[data-view]"))
    assert layer == pytest.approx(picture, abs=1), "the marks lie beside the picture"
    visit.shot("paper")
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_person_erases_their_own_data_after_their_password(visit, box):
    with box.client() as client:
        made = client.post("/api/v1/accounts", json={"username": "li"}).json()
    with box.client("li", made["password"]) as own:
        own.post("/api/v1/accounts/me/password", json={"oldPassword": made["password"], "newPassword": PASSWORD})
        study = own.post("/api/v1/studies?wait=60", data={"organ": "retina"}, files=photo()).json()["id"]
    page = logged_in(visit, box, "li")
    page.goto(f"{box.url}/account")
    page.click("summary:has-text('删除我的全部数据')")
    page.fill("[data-erase] [name=password]", "wrong-word-1")
    page.click("[data-erase] [data-submit]")
    expect(page.locator("[data-erase] [data-error]")).to_have_text("密码不正确。")
    page.fill("[data-erase] [name=password]", PASSWORD)
    page.click("[data-erase] [data-submit]")
    expect(page.locator("[data-erased]")).to_contain_text("已删除 1 次检查")
    page.reload()
    assert urlsplit(page.url).path == "/login"
    with box.client() as client:
        assert client.get(f"/api/v1/studies/{study}").status_code == 404


def test_an_admin_erases_after_a_request(visit, box):
    with box.client() as client:
        made = client.post("/api/v1/accounts", json={"username": "zhao", "role": "clinician"}).json()
    with box.client("zhao", made["password"]) as own:
        own.post("/api/v1/studies?wait=60", data={"organ": "retina"}, files=photo())
        own.put("/api/v1/accounts/me/deletion").raise_for_status()
    page = visit.open("/admin")
    page.click("text=1 人申请删除数据")
    page.get_by_role("link", name="zhao").click()
    page.click("summary:has-text('删除此人的数据')")
    visit.shot("user-erase")
    page.fill("[data-erase] [name=password]", PASSWORD)
    page.click("[data-erase] [data-submit]")
    expect(page.locator("[data-erased]")).to_contain_text("已删除 1 次检查")
    expect(page.locator("[data-asked]")).to_be_hidden()


def photo() -> dict:
    return {"file": ("eye.png", encoded(phantom()))}


def logged_in(visit: AdminVisit, box: Box, username: str) -> Page:
    browser = visit.page.context.browser
    assert browser is not None
    page = browser.new_page(locale="zh-CN")
    page.goto(f"{box.url}/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("[data-upload]")).to_be_visible()
    return page


def test_old_questions_are_found_on_the_own_page(visit, box):
    with box.client() as client:
        for question in ("孩子咳嗽三天怎么办", "血压高平时怎么吃"):
            client.post("/api/v1/consultations", json={"question": question}).raise_for_status()
    page = visit.open("/consultations")
    page.fill("[name=find]", "咳嗽")
    page.click("text=查找")
    expect(page.locator(".past .row")).to_have_count(1)
    expect(page.locator(".past .row")).to_contain_text("孩子咳嗽")
    page.fill("[name=find]", '<img src=x onerror=alert(1)>"')
    page.click("text=查找")
    expect(page.locator(".past .empty")).to_contain_text("<img src=x")
    visit.shot("history-search")


def test_a_studys_tags_fit_a_phone(visit, box, tmp_path: Path):
    with box.client() as client:
        study = client.post("/api/v1/studies/samples?wait=60", json={"organ": "retina"}).json()
        mask = client.get(study["images"][0]["maskUrl"]).content
        path = f"/api/v1/studies/{study['id']}/images/0/corrections?wait=60"
        client.post(path, headers={"Content-Type": "image/png"}, content=mask).raise_for_status()
    visit.page.set_viewport_size({"width": 375, "height": 812})
    page = visit.open("/studies")
    first = page.locator(".row").first
    expect(first.locator(".tag")).to_have_count(3)
    title = first.locator(".row__title").bounding_box()
    assert title and title["width"] > 90 and title["height"] < 40, "the text has no room beside its tags"
    visit.shot("rows-375")
    visit.page.set_viewport_size({"width": 1280, "height": 900})
