"""Accounts in the admin area and the own account's page, clicked through in real Chromium."""

import zipfile

from playwright.sync_api import expect

from support.box import PASSWORD
from support.visit import visit_as

EVIL = "<img/src=x/onerror=alert(1)>"


def make(visit, username: str, **fields: str) -> str:
    """Create an account by the form; returns the password that the page shows."""
    page = visit.open("/admin/users/new")
    page.fill("[name=username]", username)
    for name, value in fields.items():
        page.fill(f"[name={name}]", value)
    page.click("[data-submit]")
    expect(page.locator("[data-password]")).to_have_text(page.locator("[data-password]").inner_text())
    expect(page.locator("[data-secret]")).to_be_visible()
    return page.locator("[data-password]").inner_text()


def test_create_find_edit_disable_and_reset(visit, box):
    password = make(visit, EVIL, fullName="张三", department="外科")
    visit.shot("user-created")
    with box.client(EVIL, password) as own:
        assert own.get("/api/v1/accounts/me").json()["passwordIsInitial"]
        page = visit.open("/admin/users?q=张三")
        visit.shot("users-1280")
        page.get_by_role("link", name=EVIL).click()
        page.select_option("[name=role]", "clinician")
        page.click("[data-submit]")
        expect(page.locator("[data-done]")).to_be_visible()
        assert own.get("/api/v1/accounts/me").json()["role"] == "clinician"
        page.click("summary:has-text('重置密码')")
        page.click("[data-reset]")
        expect(page.locator("[data-secret]")).to_be_visible()
        visit.shot("user-reset")
        assert own.get("/api/v1/accounts/me").status_code == 401
    fresh = page.locator("[data-password]").inner_text()
    assert fresh != password
    with box.client(EVIL, fresh) as own:
        page.check("[name=disabled]")
        page.click("[data-submit]")
        expect(page.locator("[data-done]")).to_be_visible()
        assert own.get("/api/v1/accounts/me").status_code == 401
    visit.open("/admin/users?status=disabled")
    expect(page.locator("tbody")).to_contain_text(EVIL)


def test_a_taken_name_is_told_in_place_and_the_own_account_is_safe(visit):
    page = visit.open("/admin/users/new")
    page.fill("[name=username]", "ADMIN")
    page.click("[data-submit]")
    expect(page.locator("[data-error]")).to_have_text("这个用户名已被使用。")
    visit.faults.clear()  # Chromium itself logs the 409
    visit.open("/admin/users?q=admin")
    page.get_by_role("link", name="admin", exact=True).click()
    expect(page.locator("[name=disabled]")).to_have_count(0)
    expect(page.locator("[data-reset]")).to_have_count(0)
    expect(page.locator("option[value=user]")).to_be_disabled()


def test_a_roster_is_checked_and_then_imported(visit, box, tmp_path):
    roster = tmp_path / "名单.csv"
    roster.write_bytes(f"用户名,姓名,科室,角色\nzhao,赵六,{EVIL},医生\nadmin,重名,,用户\n".encode("gb18030"))
    page = visit.open("/admin/users/import")
    page.set_input_files("[name=file]", roster)
    page.click("[data-check]")
    expect(page.locator("[data-report-title]")).to_have_text("1 行可以导入，1 行有问题")
    expect(page.locator("[data-report-rows]")).to_contain_text(EVIL)
    expect(page.locator("[data-report-rows]")).to_contain_text("已有账号")
    visit.shot("roster-checked")
    page.click("[data-import]")
    expect(page.locator("[data-report-title]")).to_have_text("已导入 1 个账号，1 行有问题，已跳过")
    visit.shot("roster-stored")
    with box.client("zhao", page.locator(".secret").first.inner_text()) as own:
        assert own.get("/api/v1/accounts/me").json()["role"] == "clinician"
    visit.open("/admin/users")
    with page.expect_download() as saving:
        page.get_by_text("导出 CSV").click()
    assert "赵六" in saving.value.path().read_bytes().decode("utf-8-sig")


def test_own_devices_and_own_data(visit, browser, box):
    other, context = visit_as(browser, box)
    page = visit.open("/account")
    expect(page.locator("[data-session]").first).to_contain_text("本机")
    before = page.locator("[data-session]").count()
    assert before >= 2
    visit.shot("account-1280")
    page.click("[data-end-others]")
    expect(page.locator("[data-session]")).to_have_count(1)
    other.open("/")
    expect(other.page.locator("[name=username]")).to_be_visible()
    context.close()
    with page.expect_download() as saving:
        page.get_by_text("导出我的数据").click()
    with zipfile.ZipFile(saving.value.path()) as archive:
        assert "studies.json" in archive.namelist()
    page.click("summary:has-text('申请删除')")
    page.click("[data-ask]")
    expect(page.locator("[data-asked]")).to_be_visible()
    page.reload()
    page.click("[data-withdraw]")
    expect(page.locator("[data-asked]")).to_be_hidden()
    assert box.client("admin", PASSWORD)
