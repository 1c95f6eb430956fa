"""An admin writes with a live preview, readers read and comment, the admin approves; in real Chromium."""

import re
import secrets

import pytest
from playwright.sync_api import expect

from support.box import PASSWORD
from support.images import encoded, phantom
from support.visit import visit_as

EVIL = '<img src=x onerror="document.title=1">'
WIDTHS = (375, 1280, 1920)


def post(box, path: str, body: dict) -> dict:
    with box.client() as opened:
        answer = opened.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def publish(box, **values) -> dict:
    made = {"kind": "announcement", "title": "周六停诊", "body": "**周六**停诊一天。", "state": "published", **values}
    return post(box, "publications", made)


@pytest.fixture
def reader(box) -> str:
    """A user with a password of their own."""
    made = post(box, "accounts", {"username": f"reader-{secrets.token_hex(3)}"})
    with box.client() as admin:
        name = admin.get(f"/api/v1/accounts/{made['id']}").json()["username"]
    with box.client(name, made["password"]) as own:
        passwords = {"oldPassword": made["password"], "newPassword": PASSWORD}
        assert own.post("/api/v1/accounts/me/password", json=passwords).status_code == 204
    return name


def test_write_with_preview_and_picture_then_read(visit, tmp_path):
    picture = tmp_path / "海报.png"
    picture.write_bytes(encoded(phantom()))
    page = visit.open("/admin/publications")
    page.click("text=新建公告")
    page.fill("[name=title]", f"接种通知 {EVIL}")
    page.fill(
        "[name=body]", f"## 时间\n**注意：**请带身份证。\n\n- 周一\n- 周三\n\n{EVIL}\n\n[点](javascript:alert(1))"
    )
    preview = page.locator("[data-preview]")
    expect(preview.locator("strong")).to_have_text("注意：")
    expect(preview.locator("img")).to_have_count(0)
    expect(preview).to_contain_text("onerror")
    page.set_input_files("[data-picture]", picture)
    expect(preview.locator("img")).to_have_count(1, timeout=30_000)
    assert preview.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 565
    shown = preview.inner_html()
    visit.shot("editor-1280")
    page.click("[data-submit]")
    expect(page.locator("[data-done]")).to_have_text("已发布。")
    visit.open("/")
    page.locator("[data-announcements]").get_by_text("接种通知").click()
    expect(page.locator("h1")).to_have_text(f"接种通知 {EVIL}")
    assert page.locator(".prose").inner_html() == shown
    assert page.title().startswith("接种通知")
    visit.shot("announcement-1280")


def test_drafts_and_schedules_stay_hidden_and_a_deletion_is_undone(visit, box):
    publish(box, title="只是草稿", state="draft")
    shown = publish(box, title="可以撤销")
    page = visit.open(f"/admin/publications/{shown['id']}")
    page.select_option("[name=state]", "scheduled")
    page.fill("[name=at]", "2030-05-01T08:30")
    page.check("[name=pinned]")
    page.click("[data-submit]")
    expect(page.locator("[data-done]")).to_have_text("已保存，到时间自动发布。")
    page.reload()
    expect(page.locator("[name=at]")).to_have_value("2030-05-01T08:30")
    visit.open("/announcements")
    expect(page.get_by_text("只是草稿")).to_have_count(0)
    expect(page.get_by_text("可以撤销")).to_have_count(0)
    visit.open("/admin/publications?status=scheduled")
    row = page.locator("[data-managed]").filter(has_text="可以撤销")
    row.get_by_role("button", name="删除").click()
    expect(row).to_be_hidden()
    visit.shot("publications-undo")
    page.click("[data-undo-button]")
    expect(row).to_be_visible()
    page.reload()
    expect(row).to_be_visible()


def test_a_comment_waits_and_is_approved(visit, browser, box, reader):
    notice = publish(box, title="便民服务")
    theirs, context = visit_as(browser, box, reader)
    page = theirs.open(f"/announcements/{notice['id']}")
    page.fill("[name=text]", f"几点开门？{EVIL}")
    page.click("[data-comment-form] [data-submit]")
    expect(page.locator("[data-comment-list]")).to_contain_text("待审核")
    page.reload()
    expect(page.locator(".comment__text")).to_have_text(f"几点开门？{EVIL}")
    theirs.shot("comment-pending")
    assert page.locator(".header a[href='/admin']").count() == 0
    admin = visit.open("/admin/comments")
    visit.shot("moderation")
    row = admin.locator("[data-comment]").filter(has_text="几点开门")
    expect(row).to_contain_text(reader)
    row.get_by_role("button", name="通过").click()
    expect(row).to_have_count(0)
    visit.open(f"/announcements/{notice['id']}")
    expect(admin.locator(".comment__text")).to_have_text(f"几点开门？{EVIL}")
    page.reload()
    expect(page.locator(".comment .tag")).to_have_count(0)
    page.click("[data-delete]")
    expect(page.locator("[data-no-comments]")).to_be_visible()
    assert theirs.faults == []
    context.close()


def test_search_and_empty_lists_say_so(visit, box):
    publish(box, kind="article", title="糖尿病饮食", body="少糖。" * 60)
    page = visit.open("/articles")
    page.fill("[name=q]", "少糖")
    page.press("[name=q]", "Enter")
    expect(page.locator("[data-publications]")).to_contain_text("糖尿病饮食")
    visit.open(f"/articles?q={EVIL}")
    expect(page.locator(".empty")).to_contain_text("没有找到含有“<img")
    visit.open("/admin/comments?status=rejected")
    expect(page.locator(".empty")).to_be_visible()


def test_readers_have_no_admin_pages(browser, box, reader):
    theirs, context = visit_as(browser, box, reader)
    for path in ("/admin/users", "/admin/publications", "/admin/comments", "/admin/users/import"):
        page = theirs.open(path)
        expect(page.locator("main")).to_contain_text("只有管理员可以进行此操作")
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_the_screen(visit, box, width):
    long = publish(
        box, kind="article", title="长" * 100, body="|一|二|\n|---|---|\n|" + "x" * 300 + "|2|\n\n" + "字" * 400
    )
    visit.page.set_viewport_size({"width": width, "height": 812})
    paths = ["/announcements", f"/articles/{long['id']}", "/admin/publications", f"/admin/publications/{long['id']}"]
    for path in (*paths, "/admin/comments", "/admin/users", "/admin/users/new", "/admin/users/import", "/account"):
        page = visit.open(path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path
        assert page.locator("h1").count() == 1, path
        named = re.sub(r"[0-9a-f]{24}", "one", path.strip("/")).replace("/", "-")
        if width == 375:
            visit.shot(f"{named}-{width}")
