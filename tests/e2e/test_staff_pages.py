"""The staff pages in real Chromium against the real box, clicked through as a doctor would."""

from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from model.phantom import phantom as organ_phantom
from support.box import PASSWORD
from support.images import encoded, phantom

WIDTHS = (375, 1280, 1920)


def test_log_in_says_what_is_wrong_and_leads_back(browser, box):
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{box.url}/consultations")
    assert urlsplit(page.url).path == "/login"
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", "not-the-word")
    page.click("button[type=submit]")
    expect(page.get_by_text("用户名或密码不正确。")).to_be_visible()
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("[data-consultation]")).to_be_visible()
    cookie = context.cookies()[0]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    context.close()


def test_a_real_photo_from_choice_to_saved_picture(visit, labelled):
    """Never in a screenshot: the data set's terms forbid to pass its images on."""
    page = visit.open("/")
    page.set_input_files("[data-file]", labelled / "drive" / "test" / "images" / "01_test.tif")
    expect(page.locator("[data-previews]")).to_contain_text("01_test.tif")
    page.click("[data-submit]")
    expect(page.locator(".finding__value").first).to_contain_text("%", timeout=60_000)
    with page.expect_download() as saving:
        page.get_by_text("保存结果图").click()
    with Image.open(saving.value.path()) as saved:
        assert saved.size == (565, 584)
        assert saved.format == "JPEG"
    with page.expect_download() as saving:
        page.get_by_text("保存掩膜").click()
    with Image.open(saving.value.path()) as mask:
        assert set(np.unique(np.asarray(mask))) == {0, 1}


def test_preview_progress_result_and_slider(visit, photo):
    page = visit.open("/")
    page.check("[name=careful]")
    page.set_input_files("[data-file]", photo)
    expect(page.locator("[data-previews] img")).to_be_visible()
    visit.shot("home-preview")
    page.click("[data-submit]")
    expect(page.locator("[data-viewer][data-ready]")).to_be_visible(timeout=60_000)
    layer = page.locator("[data-layer]")
    expect(page.get_by_text("仔细模式").first).to_be_visible()
    expect(page.get_by_text("AI 生成").first).to_be_visible()
    expect(page.get_by_text("不能作为诊断依据").first).to_be_visible()
    seen = set()
    for value in ("10", "90"):
        page.locator("[data-opacity]").fill(value)
        page.wait_for_timeout(100)
        shown = "[...document.querySelectorAll('.layer')].find(e => !e.hidden)"
        seen.add(page.evaluate(f"getComputedStyle({shown}).opacity"))
    assert seen == {"0.1", "0.9"}
    loaded = layer.evaluate("image => image.complete && image.naturalWidth")
    assert loaded == phantom().shape[1]
    visit.shot("result-1280")


def test_a_film_is_measured_and_its_doubt_is_shown(visit, tmp_path):
    film = tmp_path / "film.png"
    film.write_bytes(encoded(organ_phantom("chest")))
    page = visit.open("/")
    page.check("[name=organ][value=chest]")
    expect(page.locator("[name=careful]")).to_be_hidden()  # a film is not mirrored
    page.set_input_files("[data-file]", film)
    page.click("[data-submit]")
    expect(page.locator("[data-viewer][data-ready]")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("心胸比", exact=True)).to_be_visible()
    strokes, doubt = page.locator("[data-mark=strokes]"), page.locator("[data-mark=confidence]")
    assert strokes.locator("polyline").count() == 3
    expect(strokes).to_be_visible()
    expect(doubt).to_be_hidden()
    page.check("[data-toggle=confidence]")
    expect(doubt).to_be_visible()
    visit.shot("film")
    page.uncheck("[data-toggle=strokes]")
    expect(strokes).to_be_hidden()


def test_the_wrong_organ_is_refused_with_its_name(visit, photo):
    page = visit.open("/")
    page.check("[name=organ][value=chest]")
    page.set_input_files("[data-file]", photo)
    page.click("[data-submit]")
    expect(page.get_by_text("更像眼底彩照")).to_be_visible(timeout=60_000)
    visit.shot("refused")


def test_a_bad_file_is_told_in_place_and_the_page_goes_on(visit, tmp_path, photo):
    bad = tmp_path / "note.png"
    bad.write_text("not a picture")
    visit.upload(bad)
    expect(visit.page.locator("[data-error]")).to_contain_text("只支持 PNG、JPEG 或 TIFF 图片")
    visit.shot("upload-error")
    assert any("415" in fault for fault in visit.faults)  # Chromium itself logs the refusal
    visit.faults.clear()
    visit.upload(photo)
    expect(visit.page.locator("[data-viewer][data-ready]")).to_be_visible(timeout=60_000)


def test_the_answer_streams_and_is_kept(visit, box):
    box.wait_for_llm()
    page = visit.open("/consultations")
    page.fill("[data-question]", "高血压平时怎么吃？<b>粗体</b>")
    page.click("[data-form] [data-submit]")
    lengths: set[int] = set()
    while not page.locator("[data-link]").is_visible():
        lengths.add(len(page.locator("[data-answer]").inner_text()))
        page.wait_for_timeout(50)
        assert len(lengths) < 5000
    lengths.add(len(page.locator("[data-answer]").inner_text()))
    assert len(lengths - {0}) >= 2, "the text did not grow"
    expect(page.locator("[data-asked]")).to_contain_text("<b>粗体</b>")
    expect(page.locator("[data-disclaimer]")).to_contain_text("不能代替医生")
    expect(page.locator("[data-source-list]")).to_contain_text("尚未经临床医生审核")
    page.click('[data-rate="1"]')
    expect(page.locator('[data-rate="1"]')).to_have_attribute("aria-pressed", "true")
    visit.shot("consultation")
    page.click("[data-link]")
    expect(page.locator(".asked")).to_contain_text("<b>粗体</b>")
    expect(page.locator('[data-rate="1"]')).to_have_attribute("aria-pressed", "true")
    page.click('[data-rate="-1"]')
    expect(page.locator('[data-rate="-1"]')).to_have_attribute("aria-pressed", "true")


def test_an_emergency_shows_120_at_once(visit):
    page = visit.open("/consultations")
    page.fill("[data-question]", "我妈突然胸口压着疼，出冷汗")
    page.click("[data-form] [data-submit]")
    expect(page.locator("[data-triage]")).to_contain_text("120", timeout=5_000)
    expect(page.locator("[data-call]")).to_be_visible()
    visit.shot("emergency")
    expect(page.locator("[data-disclaimer]")).to_contain_text("急症规则")
    page.fill("[data-question]", "感冒了吃什么好？")
    page.click("[data-form] [data-submit]")
    expect(page.locator("[data-asked]")).to_contain_text("感冒")
    expect(page.locator("[data-disclaimer]")).not_to_contain_text("急症规则")


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_the_screen(visit, photo, width):
    visit.upload(photo)
    expect(visit.page.locator("[data-viewer][data-ready]")).to_be_visible(timeout=60_000)
    result = urlsplit(visit.page.url).path
    visit.page.set_viewport_size({"width": width, "height": 812})
    for path in ("/", result, "/studies", "/consultations", "/health", "/account"):
        page = visit.open(path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path
        assert page.locator("h1").count() == 1
        if path in (result, "/health"):
            visit.shot(f"{'result' if path == result else path.strip('/')}-{width}")


def test_pages_send_their_own_protection(visit, box):
    answer = visit.page.request.get(f"{box.url}/")
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_unknown_page_is_a_page(visit):
    page = visit.open("/nowhere")
    expect(page.locator("h1")).to_be_visible()
    visit.faults.clear()  # Chromium logs the 404
