"""The upload card and the home page in real Chromium: samples, paste, removal, spacing, headlines, asking on."""

import json
import sqlite3

import pytest
from playwright.sync_api import expect

from model.phantom import phantom as organ_phantom
from support.images import encoded


def test_a_sample_is_tried_and_marked(visit):
    page = visit.open("/")
    page.check("[name=organ][value=liver]")
    page.click("[data-sample]")
    expect(page.locator("[data-viewer][data-ready]")).to_be_visible(timeout=60_000)
    expect(page.locator("h1")).to_contain_text("演示样例")
    page.get_by_text("带着结果去问").click()
    expect(page.locator("[data-study]")).to_be_checked()
    expect(page.locator("[data-consultation]")).to_contain_text("肝脏面积")
    visit.shot("ask-with-findings")
    visit.open("/")
    expect(page.get_by_text("演示样例", exact=True).first).to_be_visible()


def test_many_files_one_removed_and_spacing_in_millimetres(visit, tmp_path):
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"层面{number}.png")
        paths[-1].write_bytes(encoded(organ_phantom("liver")))
    page = visit.open("/")
    page.check("[name=organ][value=liver]")
    page.set_input_files("[data-file]", paths)
    expect(page.locator(".preview")).to_have_count(3)
    page.get_by_label("移除 层面1.png").click()
    expect(page.locator(".preview")).to_have_count(2)
    page.get_by_text("像素间距").click()
    page.fill("[name=pixelMm]", "0.7")
    page.fill("[name=sliceMm]", "5")
    visit.shot("upload-many")
    page.click("[data-submit]")
    expect(page.locator("[data-viewer][data-ready]")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("肝脏体积", exact=True)).to_be_visible()
    expect(page.locator(".strip a")).to_have_count(2)


def test_a_picture_is_pasted(visit):
    page = visit.open("/")
    page.evaluate(
        """bytes => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "粘贴.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
        }""",
        list(encoded(organ_phantom("chest")[:64, :64])),
    )
    expect(page.locator("[data-previews]")).to_contain_text("粘贴.png")
    expect(page.locator("[data-submit]")).to_be_enabled()


@pytest.mark.parametrize("width", [375, 1280])
def test_home_shows_headlines_as_text(visit, box, width):
    title = json.dumps({"t": "<script>alert(1)</script>秋冬流感"})
    with sqlite3.connect(box.data_dir / "xiangyi.db", timeout=30) as db:
        db.execute(
            "INSERT OR REPLACE INTO headlines VALUES ('h1', 'x', ?, '健康报', NULL, 'https://news.example/1', ?)",
            (title, "2026-01-01T00:00:00.000Z"),
        )
    page = visit.open("/")
    page.set_viewport_size({"width": width, "height": 812})
    link = page.locator("[data-headlines] a.row").first
    expect(link).to_contain_text("<script>alert(1)</script>")
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener noreferrer")
    expect(page.locator(".box-line")).to_contain_text("本机")
    visit.shot(f"home-{width}")
    visit.open("/headlines")
    expect(page.locator("h1")).to_have_text("健康头条")
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0
