"""Log in by WeChat, against a server that speaks WeChat's protocol."""

import pytest

from appliance.database import rows
from appliance.settings import LlmSettings, Settings, WechatSettings
from support.box import free_port
from support.wechat import APPID, SECRET, Wechat


@pytest.fixture
def wechat():
    opened = Wechat()
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path, wechat):
    known = WechatSettings(APPID, SECRET, wechat.url, timeout_s=0.5)
    return Settings(data_dir=tmp_path, llm=LlmSettings(port=free_port()), wechat=known)


def log_in(api, code):
    return api.client.post("/api/v1/sessions/wechat", json={"code": code})


def bind(api, name, code):
    return api.client.put("/api/v1/accounts/me/wechat", headers=api.as_(name), json={"code": code})


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_bound_by_a_code_then_logged_in_by_another(api):
    assert bind(api, "ann", "code-li-1").status_code == 204
    answer = log_in(api, "code-li-2")
    assert answer.status_code == 201
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert api.client.get("/api/v1/accounts/me", headers=headers).json()["username"] == "ann"


def test_an_unbound_wechat_is_told_what_to_do(api):
    answer = log_in(api, "code-li-1")
    assert code_of(answer) == (409, "wechat_not_bound")
    assert "绑定" in answer.json()["error"]["message"]


def test_one_wechat_serves_one_account_and_a_new_one_replaces_the_old(api):
    bind(api, "ann", "code-li-1")
    assert code_of(bind(api, "bo", "code-li-2")) == (409, "wechat_bound_elsewhere")
    assert bind(api, "ann", "code-wang-1").status_code == 204
    assert code_of(log_in(api, "code-li-3")) == (409, "wechat_not_bound")
    assert bind(api, "bo", "code-li-4").status_code == 204


def test_unbinding_ends_it(api):
    bind(api, "ann", "code-li-1")
    seen = api.client.get("/api/v1/accounts/me/wechat", headers=api.as_("ann")).json()
    assert seen == {"available": True, "bound": True}
    assert api.client.delete("/api/v1/accounts/me/wechat", headers=api.as_("ann")).status_code == 204
    assert code_of(log_in(api, "code-li-2")) == (409, "wechat_not_bound")


def test_a_disabled_account_stays_out(api):
    bind(api, "ann", "code-li-1")
    api.database.write(lambda db: db.execute("UPDATE accounts SET disabled = 1 WHERE username = 'ann'"))
    assert code_of(log_in(api, "code-li-2")) == (401, "account_disabled")


@pytest.mark.parametrize("code", ["", "forged", "x" * 300])
def test_a_bad_code_is_refused(api, code):
    assert code_of(log_in(api, code)) == (422, "wechat_code_invalid")


def test_a_used_code_is_refused(api):
    bind(api, "ann", "code-li-1")
    assert code_of(log_in(api, "code-li-1")) == (422, "wechat_code_invalid")


def test_guessing_codes_is_slowed_down(api):
    for _ in range(8):
        log_in(api, "forged")
    assert code_of(log_in(api, "forged")) == (429, "log_in_attempts")


def test_a_right_code_forgives_no_wrong_ones_of_its_address(api):
    bind(api, "ann", "code-li-1")
    for _ in range(7):
        log_in(api, "forged")
    assert log_in(api, "code-li-2").status_code == 201
    log_in(api, "forged")
    assert code_of(log_in(api, "forged")) == (429, "log_in_attempts")


@pytest.mark.parametrize("mood", ["slow", "broken", "busy", "secret"])
def test_wechat_out_of_order_is_told_and_the_secret_stays_in(api, wechat, caplog, mood):
    caplog.set_level("INFO")
    wechat.mood = mood
    answer = log_in(api, "code-li-1")
    assert code_of(answer) == (503, "wechat_unreachable")
    assert SECRET not in answer.text
    assert SECRET not in "".join(each.getMessage() for each in caplog.records if each.name != "httpx")


def test_off_until_an_admin_sets_it_up(api):
    boss = api.as_("boss")
    assert api.client.patch("/api/v1/settings", headers=boss, json={"wechat.appid": ""}).status_code == 200
    assert code_of(log_in(api, "code-li-1")) == (409, "wechat_off")
    assert api.client.get("/api/v1/accounts/me/wechat", headers=boss).json() == {"available": False, "bound": False}
    shown = api.client.get("/api/v1/settings", headers=boss).text
    assert SECRET not in shown


def test_binding_is_audited_and_keeps_no_openid(api):
    bind(api, "ann", "code-li-1")
    api.client.delete("/api/v1/accounts/me/wechat", headers=api.as_("ann"))
    bind(api, "ann", "code-li-2")
    actions = [each["action"] for each in api.database.read(lambda db: rows(db, "SELECT action FROM audit_rows"))]
    assert "account.bind_wechat" in actions
    assert "account.unbind_wechat" in actions
    kept = repr(api.database.read(lambda db: rows(db, "SELECT * FROM wechat_bindings")))
    assert "openid-of-li" not in kept
