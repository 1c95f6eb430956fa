"""The admin pages in real Chromium against the real box, clicked through as an admin would."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.database import Database
from support.admin import AdminVisit, admin_in, chromium
from support.box import Box
from support.images import encoded, phantom
from support.releases import candidate, drifting, zipped
from support.rows import fill

PATHS = (
    "/admin",
    "/admin/statistics",
    "/admin/studies",
    "/admin/consultations",
    "/admin/releases",
    "/admin/releases/retina/2.2.0-benchmark",
    "/admin/documents",
    "/admin/system",
    "/admin/system/jobs",
    "/admin/system/audit",
    "/admin/system/backups",
    "/admin/system/settings",
    "/admin/system/models",
    "/admin/system/about",
    "/admin/start",
)
ATTACK = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def calm_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box without a language model, with some weeks of use in it."""
    box = Box(tmp_path_factory.mktemp("admin"), {"XIANGYI_LLM_ENABLED": "false"}).start(within_s=300)
    database = Database(box.data_dir / "xiangyi.db")
    fill(database, 300, 200, 45, datetime.now().date() - timedelta(days=1), images=True)
    database.close()
    yield box
    box.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def visit(browser: Browser, calm_box: Box) -> Iterator[AdminVisit]:
    with admin_in(browser, calm_box.url) as opened:
        yield opened


@pytest.mark.parametrize("width", [375, 1280])
def test_every_page_fits_is_light_and_has_one_heading(visit, width):
    visit.page.set_viewport_size({"width": width, "height": 812})
    for path in PATHS:
        page = visit.open(path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path
        assert page.locator("h1").count() == 1, path
        assert len(page.content().encode()) < 150_000, path
        unnamed = page.evaluate(
            "[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]"
            ".filter(e => !e.labels?.length && !e.ariaLabel).length"
        )
        assert unnamed == 0, path
        visit.shot(f"admin{path.removeprefix('/admin').replace('/', '-')}-{width}")


def test_charts_are_drawn_within_the_policy_and_print_with_their_table(visit, calm_box):
    page = visit.open("/admin/statistics")
    for image in page.locator(".chart img").all():
        image.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
    assert page.locator(".chart img").count() == 5
    chart = page.locator(".chart img").first.get_attribute("src")
    page.get_by_text("近 90 天").click()
    expect(page.get_by_text("图中每格 7 天")).to_be_visible()
    page.emulate_media(media="print")
    visit.shot("admin-statistics-print")
    before = values(page, calm_box.url + chart)
    with calm_box.client() as client:
        files = {"file": ("eye.png", encoded(phantom()))}
        client.post("/api/v1/studies?wait=60", data={"organ": "retina"}, files=files).raise_for_status()
    assert values(page, calm_box.url + chart) == before, "a chart shows what its page has counted"
    assert values(page, calm_box.url + chart.partition("&key=")[0]) != before


def values(page, url: str) -> list[str]:
    return re.findall(r'class="value">([^<]*)<', page.request.get(url).text())


def test_a_study_is_deleted_and_brought_back_in_place(visit, calm_box):
    with calm_box.client() as client:
        files = {"file": ("eye.png", encoded(phantom()))}
        study = client.post("/api/v1/studies?wait=60", data={"organ": "retina"}, files=files).json()["id"]
    page = visit.open("/admin/studies?organ=retina&username=admin")
    line = page.locator("[data-line]").filter(has=page.locator(f'a[href="/studies/{study}"]'))
    line.get_by_role("button", name="删除", exact=True).click()
    undo = line.get_by_role("button", name="撤销删除")
    expect(undo).to_be_focused()
    assert visit.page.request.get(f"{calm_box.url}/api/v1/studies/{study}").status == 404
    undo.click()
    expect(line.get_by_role("button", name="删除", exact=True)).to_be_visible()
    page.click(f'a[href="/studies/{study}"]')
    expect(page.locator("[data-viewer][data-ready]")).to_be_visible()


def test_questions_are_found_by_their_words_and_stay_text(visit, calm_box):
    with calm_box.client() as client:
        assert client.post("/api/v1/consultations", json={"question": f"{ATTACK} 头疼怎么办"}).status_code == 201
    page = visit.open("/admin/consultations")
    page.fill("[name=q]", "头疼怎么办")
    page.get_by_role("button", name="筛选").click()
    expect(page.locator("[data-line]")).to_have_count(1)
    expect(page.locator("[data-line]")).to_contain_text("<script>")
    assert page.title() != "owned"
    page.get_by_role("link", name="查看").click()
    expect(page.locator(".asked")).to_contain_text("<script>")


def test_a_release_is_uploaded_compared_activated_and_rolled_back(visit, calm_box, tmp_path):
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    good.write_bytes(zipped(candidate(tmp_path / "a", "9.1.0")))
    bad.write_bytes(zipped(drifting(tmp_path / "b", "9.2.0")))
    with calm_box.client() as client:
        files = {"file": ("eye.png", encoded(phantom()))}
        assert client.post("/api/v1/studies?wait=60", data={"organ": "retina"}, files=files).status_code == 201
    page = visit.open("/admin/releases")
    for path, told in ((bad, "漂移"), (good, "9.1.0")):
        page.set_input_files("[name=file]", path)
        page.get_by_role("button", name="上传并检验").click()
        expect(page.locator("tr", has_text=path.name)).to_contain_text(told, timeout=180_000)
    visit.shot("admin-releases-uploaded")
    page.get_by_role("link", name="9.1.0").click()
    page.get_by_role("button", name="开始对比").click()
    expect(page.get_by_text("两个版本的重合程度")).to_be_visible(timeout=180_000)
    expect(page.locator("dd").first).to_have_text("1.000")
    visit.shot("admin-comparison")
    page.get_by_role("link", name="眼底血管 9.1.0").click()
    page.get_by_role("button", name="启用这个版本").click()
    expect(page.locator(".release", has_text="9.1.0").get_by_text("使用中")).to_be_visible()
    page.get_by_role("button", name="退回 2.2.0").click()
    expect(page.locator(".release", has_text="2.2.0").first.get_by_text("使用中")).to_be_visible()
    page.get_by_role("link", name="9.1.0").click()
    page.get_by_role("button", name="删除这个版本").click()
    expect(page.locator("h1")).to_have_text("权重管理")
    expect(page.locator(".release", has_text="9.1.0")).to_have_count(0)


def test_a_document_is_imported_signed_withdrawn_and_deleted(visit, tmp_path):
    file = tmp_path / "发热指南<b>.md"
    file.write_text(f"# 发热\n\n体温超过 38.5 度时要及时就医。{ATTACK}\n", "utf-8")
    page = visit.open("/admin/documents")
    page.set_input_files("[name=file]", file)
    page.get_by_role("button", name="导入").click()
    expect(page.locator(".passage")).to_contain_text("38.5")
    page.get_by_role("button", name="以我的名义签署").click()
    page.get_by_role("button", name="撤回签署").click()
    expect(page.get_by_text("尚未签署")).to_be_visible()
    page.get_by_role("button", name="删除").click()
    expect(page.locator("h1")).to_have_text("知识库")


def test_settings_show_at_once_on_every_page_as_text(visit):
    page = visit.open("/admin/system/settings")
    page.fill("[name=hospital_name]", "青山<i>卫生院</i>")
    page.fill("[name=maintenance]", f"今晚维护 {ATTACK}")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".brand__hospital")).to_have_text("青山<i>卫生院</i>")
    page = visit.open("/")
    expect(page.get_by_text("今晚维护 <script>")).to_be_visible()
    page = visit.open("/admin/system/settings")
    page.fill("[name=audit_days]", "30")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("form [data-error]")).to_contain_text("180")
    visit.faults.clear()  # Chromium logs the refusal
    page.reload()
    page.fill("[name=hospital_name]", "")
    page.fill("[name=maintenance]", "")
    page.get_by_label("健康头条").uncheck()
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".brand__hospital")).to_have_count(0)
    expect(visit.open("/").locator("[data-headlines]")).to_have_count(0)
    page = visit.open("/admin/system/settings")
    page.get_by_label("健康头条").check()
    with page.expect_navigation():
        page.get_by_role("button", name="保存").click()
    expect(page.get_by_label("健康头条")).to_be_checked()
    expect(visit.open("/").locator("[data-headlines]")).to_be_visible()


def test_a_backup_is_made_by_one_click_and_an_old_one_deleted_by_another(visit):
    page = visit.open("/admin/system/backups")
    page.get_by_role("button", name="立即备份").click()
    expect(page.locator("tbody tr").first).to_contain_text("已完成", timeout=120_000)
    page.get_by_role("button", name="删除", exact=True).click()
    expect(page.locator("[data-page-error]")).to_contain_text("最近一次成功的备份")
    visit.faults.clear()  # Chromium logs the refusal
    page.get_by_role("button", name="立即备份").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").first).to_contain_text("已完成", timeout=120_000)
    page.get_by_role("button", name="删除", exact=True).last.click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_audit_log_tells_in_chinese(visit):
    page = visit.open("/admin/system/audit?action=session.create")
    expect(page.locator("tbody tr").first).to_contain_text("登录·新建")


def test_the_first_admin_is_led_through_the_first_steps(browser, tmp_path: Path):
    box = Box(tmp_path / "fresh", {"XIANGYI_LLM_ENABLED": "false", "XIANGYI_ADMIN_PASSWORD": "first"})
    box.start(within_s=300)
    try:
        with admin_in(browser, box.url, "first") as visit:
            page = visit.page
            expect(page.locator("h1")).to_have_text("欢迎使用乡医")
            page.fill("[name=hospital_name]", "青山镇卫生院")
            page.fill("[name=consultation_days]", "365")
            page.fill("[name=old]", "wrong")
            page.fill("[name=new]", "a-better-word-1")
            page.fill("[name=repeated]", "a-better-word-1")
            page.get_by_role("button", name="完成").click()
            expect(page.locator("#error")).to_contain_text("原密码不正确")
            visit.shot("admin-first-start")
            visit.faults.clear()  # Chromium logs the refusal
            page.fill("[name=old]", "first")
            page.fill("[name=new]", "a-better-word-1")
            page.fill("[name=repeated]", "a-better-word-1")
            page.get_by_role("button", name="完成").click()
            expect(page.locator(".brand__hospital")).to_have_text("青山镇卫生院")
        with admin_in(browser, box.url, "a-better-word-1") as visit:
            expect(visit.page.locator("h1")).to_have_text("管理")
            answer = visit.page.request.get(f"{box.url}/api/v1/settings").text()
            assert {"consultation_days": 365}.items() <= {e["name"]: e["value"] for e in json.loads(answer)}.items()
    finally:
        box.stop()
