"""The result viewer in real Chromium: zoom, pan, tuning, comparison, keys, slices, and the correction of a mask."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from model.phantom import phantom as organ_phantom
from support.images import encoded, phantom
from support.visit import visit_as


def submit(box, organ: str, *pictures: tuple[str, bytes]) -> str:
    with box.client() as client:
        files = [("file", picture) for picture in pictures]
        answer = client.post("/api/v1/studies?wait=60", data={"organ": organ}, files=files)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@pytest.fixture
def film(box) -> str:
    return f"/studies/{submit(box, 'chest', ('胸片 <b>张三</b>.png', encoded(organ_phantom('chest'))))}"


def centre(page: Page) -> tuple[float, float]:
    page.locator("[data-stage]").evaluate("stage => stage.scrollIntoView({ block: 'center' })")
    box = page.locator("[data-stage]").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def width(page: Page) -> float:
    return page.locator("[data-picture]").bounding_box()["width"]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float], button: str = "left") -> None:
    page.mouse.move(*start)
    page.mouse.down(button=button)
    page.mouse.move(*end, steps=6)
    page.mouse.up(button=button)


def mask_at(box, url: str) -> np.ndarray:
    with box.client() as client:
        return np.asarray(Image.open(io.BytesIO(client.get(url).content)))


def test_wheel_drag_keys_and_tuning_change_the_view_only(visit, film):
    page = visit.open(film)
    expect(page.locator("[data-layer]")).to_be_visible()
    x, y = centre(page)
    whole = width(page)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    page.wait_for_timeout(200)
    assert width(page) > 1.5 * whole
    left = page.locator("[data-picture]").bounding_box()["x"]
    drag(page, (x, y), (x + 60, y))
    assert page.locator("[data-picture]").bounding_box()["x"] == pytest.approx(left + 60, abs=2)
    page.keyboard.press("0")
    assert width(page) == pytest.approx(whole, abs=1)
    drag(page, (x, y), (x + 80, y - 60), button="right")
    looks = page.locator("[data-view]").evaluate("image => image.style.filter")
    assert looks != "brightness(100%) contrast(100%)"
    page.keyboard.press("i")
    expect(page.locator("[data-view]")).to_have_css("filter", "brightness(1) contrast(1)")
    for key, hidden in (("m", "[data-mark=strokes]"), ("l", "[data-layer]")):
        page.keyboard.press(key)
        expect(page.locator(hidden)).to_be_hidden()
        page.keyboard.press(key)
        expect(page.locator(hidden)).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("[data-help]")).to_be_visible()
    visit.shot("viewer-help")
    page.keyboard.press("Escape")


def test_swipe_shows_the_original_on_one_side(visit, film):
    page = visit.open(film)
    page.click("[data-swipe-toggle]")
    line = page.locator("[data-swipe]")
    expect(line).to_have_attribute("aria-valuenow", "50")
    centre(page)
    box = line.bounding_box()
    drag(page, (box["x"] + 22, box["y"] + 100), (box["x"] + 122, box["y"] + 100))
    assert int(line.get_attribute("aria-valuenow")) > 55
    line.focus()
    page.keyboard.press("Home")
    expect(line).to_have_attribute("aria-valuenow", "0")
    page.keyboard.press("End")
    visit.page.locator("[data-swipe]").press("ArrowLeft")
    assert "inset" in page.locator("[data-over]").evaluate("over => over.style.clipPath")
    visit.shot("viewer-swipe")


def test_full_screen_fills_the_window_and_ends_by_key(visit, film):
    page = visit.open(film)
    page.click("[data-full]")
    expect(page.locator("[data-result]")).to_have_class("result full")
    assert page.locator("[data-result]").bounding_box()["width"] >= 1280
    visit.shot("viewer-full")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("[data-result]")).to_have_class("result")
    page.click("[data-full]")
    expect(page.locator("[data-result]")).to_have_class("result full")
    page.emulate_media(media="print")
    expect(page.locator(".finding").first).to_be_visible()
    page.emulate_media(media="screen")
    page.keyboard.press("f")
    expect(page.locator("[data-result]")).to_have_class("result")


def test_slices_turn_without_a_new_page(visit, box):
    planes = [organ_phantom("liver"), np.ascontiguousarray(organ_phantom("liver")[:, ::-1]), organ_phantom("liver")]
    study = submit(box, "liver", *((f"层面{i}.png", encoded(plane)) for i, plane in enumerate(planes)))
    page = visit.open(f"/studies/{study}")
    page.evaluate("window.kept = true")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-slice-text]")).to_have_text("2 / 3")
    expect(page.locator("[data-study-head]")).to_contain_text("层面1.png")
    expect(page.locator(".paper")).to_contain_text("层面1.png")
    page.locator("[data-slice]").fill("3")
    expect(page.locator("[data-study-head]")).to_contain_text("层面2.png")
    page.locator(".strip a").first.click()
    expect(page.locator("[data-study-head]")).to_contain_text("层面0.png")
    assert page.evaluate("window.kept"), "the page was loaded anew"
    visit.shot("viewer-slices")


def test_a_mask_is_corrected_undone_saved_and_taken_back(visit, box, film):
    page = visit.open(film)
    with box.client() as client:
        study = client.get(f"/api/v1{film}").json()
    before = mask_at(box, study["images"][0]["maskUrl"])
    page.click("[data-correct-open]")
    expect(page.locator("[data-correct-canvas]")).to_be_visible()
    expect(page.locator("[data-correct-save]")).to_be_disabled()
    x, y = centre(page)
    page.locator("[data-brush-size]").fill("60")
    page.get_by_text("画心脏").click()
    drag(page, (x - 40, y - 120), (x + 40, y - 120))
    page.get_by_text("橡皮擦", exact=True).click()
    drag(page, (x - 200, y), (x - 120, y))
    page.keyboard.press("Control+z")
    expect(page.locator("[data-correct-redo]")).to_be_enabled()
    page.keyboard.press("Control+y")
    visit.shot("viewer-correct")
    page.click("[data-correct-save]")
    expect(page.locator(".versions [aria-current]")).to_have_text("修正 1", timeout=60_000)
    expect(page.locator(".ai-mark")).to_have_text("AI 生成 · 人工修正")
    expect(page.locator(".versions")).to_contain_text("admin")
    expect(page.locator(".paper")).to_contain_text("人工修正 1（admin")
    visit.shot("viewer-corrected")
    with box.client() as client:
        image = client.get(f"/api/v1{film}").json()["images"][0]
    after = mask_at(box, image["corrections"][0]["maskUrl"])
    assert ((after == 3) & (before != 3)).sum() > 200, "the brush left nothing"
    assert ((after == 0) & (before != 0)).sum() > 200, "the eraser took nothing"
    changed = (after != before).mean()
    assert changed < 0.2, "more than the strokes changed"
    assert (mask_at(box, image["maskUrl"]) == before).all()
    page.get_by_text("模型原标注").click()
    expect(page.locator(".ai-mark")).to_have_text("AI 生成")
    page.get_by_role("link", name="修正 1").click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("[data-take-back]")
    expect(page.get_by_role("link", name="修正 1")).to_have_count(0)


def test_on_a_phone_two_fingers_zoom_and_one_draws(browser, box, film):
    phone = {"viewport": {"width": 375, "height": 812}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    visit, context = visit_as(browser, box, **phone)
    page = visit.open(film)
    session = context.new_cdp_session(page)
    x, y = centre(page)
    whole = width(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (x - 30, y), (x + 30, y))
    for apart in (50, 70, 90):
        touch("touchMove", (x - apart, y), (x + apart, y))
    touch("touchEnd")
    page.wait_for_timeout(200)
    assert width(page) > 1.8 * whole
    page.locator("[data-zoom=fit]").tap()
    page.locator("[data-correct-open]").tap()
    expect(page.locator("[data-correct-canvas]")).to_be_visible()
    x, y = centre(page)
    touch("touchStart", (x - 40, y))
    for step in range(1, 9):
        touch("touchMove", (x - 40 + 10 * step, y))
    touch("touchEnd")
    expect(page.locator("[data-correct-undo]")).to_be_enabled()
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0
    visit.shot("viewer-correct-375")
    context.close()
    assert visit.faults == []


def test_names_that_people_gave_are_text(visit, film):
    page = visit.open(film)
    expect(page.locator("[data-study-head]")).to_contain_text("<b>张三</b>")
    assert page.locator("[data-study-head] b").count() == 0


def test_a_damaged_reply_while_correcting_is_told(visit, film):
    """The box refuses: what was drawn stays, and can be saved later."""
    page = visit.open(film)
    page.click("[data-correct-open]")
    expect(page.locator("[data-correct-canvas]")).to_be_visible()
    x, y = centre(page)
    drag(page, (x, y), (x + 50, y))
    page.context.set_offline(True)
    page.click("[data-correct-save]")
    expect(page.locator("[data-correct-error]")).to_contain_text("连接不上乡医")
    page.context.set_offline(False)
    visit.faults.clear()  # Chromium logs the broken connection
    page.click("[data-correct-save]")
    expect(page.locator(".versions [aria-current]")).to_have_text("修正 1", timeout=60_000)


def test_phantom_masks_survive_the_browser(visit, box):
    """Reading and writing a mask in the browser changes no pixel that was not drawn on, at an odd size as well."""
    odd = np.ascontiguousarray(phantom()[:577, :561])
    study = submit(box, "retina", ("a.png", encoded(odd)))
    page = visit.open(f"/studies/{study}")
    page.click("[data-correct-open]")
    expect(page.locator("[data-correct-canvas]")).to_be_visible()
    page.locator("[data-brush-size]").fill("2")
    x, y = centre(page)
    drag(page, (x, y), (x + 2, y))
    page.click("[data-correct-save]")
    expect(page.locator(".versions [aria-current]")).to_have_text("修正 1", timeout=60_000)
    with box.client() as client:
        image = client.get(f"/api/v1/studies/{study}").json()["images"][0]
    before, after = mask_at(box, image["maskUrl"]), mask_at(box, image["corrections"][0]["maskUrl"])
    ys, xs = np.nonzero(before != after)
    assert len(ys) < 60 and (not len(ys) or (np.ptp(ys) < 12 and np.ptp(xs) < 16))
