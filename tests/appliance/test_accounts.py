"""Log in, stay in, change the password, and be kept out."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from appliance.app import create_app
from appliance.auth import services
from appliance.database import rows
from webadmin.routes import routes as pages

PASSWORD = "secret-word-1"


def log_in(api, username, password, **headers):
    return api.client.post("/api/v1/sessions", json={"username": username, "password": password}, headers=headers)


def test_password_and_token_are_stored_as_hashes_only(api):
    token = log_in(api, "ann", PASSWORD).json()["token"]
    stored = repr(api.database.read(lambda db: rows(db, "SELECT * FROM accounts") + rows(db, "SELECT * FROM sessions")))
    assert "$argon2id$" in stored
    assert PASSWORD not in stored
    assert token not in stored


@pytest.mark.parametrize(("username", "password"), [("ann", "wrong-word"), ("nobody", PASSWORD), ("ann", "")])
def test_wrong_name_and_wrong_password_are_told_alike(api, username, password):
    answer = log_in(api, username, password)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "credentials_wrong")
    assert answer.json()["error"]["message"] == "用户名或密码不正确。"


def test_guessing_is_slowed_down(api):
    for _ in range(8):
        log_in(api, "bo", "wrong-word")
    answer = log_in(api, "bo", PASSWORD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "log_in_attempts")
    assert log_in(api, "ann", PASSWORD).status_code == 201


def test_guesses_sent_at_once_count_each_other(api):
    with ThreadPoolExecutor(16) as pool:
        answers = [each.status_code for each in pool.map(lambda n: log_in(api, "bo", f"wrong-word-{n}"), range(16))]
    assert sorted(answers) == [401] * 8 + [429] * 8


def test_a_right_guess_forgives_those_before_it(api):
    for _ in range(2):
        assert [log_in(api, "bo", "wrong-word").status_code for _ in range(7)] == [401] * 7
        assert log_in(api, "bo", PASSWORD).status_code == 201


def test_blanks_and_capitals_earn_no_new_guesses(api):
    for n in range(8):
        log_in(api, " " * n + "bo" + "\u3000" * n, "wrong-word")
    for name in ("bo", "bo ", "\tBO"):
        assert log_in(api, name, PASSWORD).status_code == 429, name


def test_a_disabled_account_is_out_at_once(api):
    api.database.write(lambda db: db.execute("UPDATE accounts SET disabled = 1 WHERE username = 'ann'"))
    assert api.client.get("/api/v1/accounts/me", headers=api.as_("ann")).status_code == 401
    assert log_in(api, "ann", PASSWORD).status_code == 401


def test_an_expired_session_is_out(api):
    api.database.write(lambda db: db.execute("UPDATE sessions SET expires_at = '2020-01-01T00:00:00.000Z'"))
    assert api.client.get("/api/v1/accounts/me", headers=api.as_("ann")).status_code == 401


def test_log_out_ends_the_session(api):
    assert api.client.delete("/api/v1/sessions/current", headers=api.as_("ann")).status_code == 204
    assert api.client.get("/api/v1/accounts/me", headers=api.as_("ann")).status_code == 401


def test_a_new_password_ends_other_sessions(api):
    other = log_in(api, "ann", PASSWORD).json()["token"]
    answer = api.client.post(
        "/api/v1/accounts/me/password",
        headers=api.as_("ann"),
        json={"oldPassword": PASSWORD, "newPassword": "another-word-2"},
    )
    assert answer.status_code == 204
    assert api.client.get("/api/v1/accounts/me", headers={"Authorization": f"Bearer {other}"}).status_code == 401
    assert api.client.get("/api/v1/accounts/me", headers=api.as_("ann")).status_code == 200
    assert log_in(api, "ann", "another-word-2").status_code == 201


@pytest.mark.parametrize(
    ("old", "new", "code"), [("wrong", "another-word-2", "credentials_wrong"), (PASSWORD, "short", "password_invalid")]
)
def test_a_password_that_may_not_be_changed(api, old, new, code):
    answer = api.client.post(
        "/api/v1/accounts/me/password", headers=api.as_("ann"), json={"oldPassword": old, "newPassword": new}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


def test_guessing_the_old_password_is_slowed_down(api):
    def change(old, new):
        url, given = "/api/v1/accounts/me/password", {"oldPassword": old, "newPassword": new}
        return api.client.post(url, headers=api.as_("ann"), json=given).status_code

    assert [change(PASSWORD, "short") for _ in range(9)] == [422] * 9, "a new one that will not do is no guess"
    assert [change("wrong-word", "another-word-2") for _ in range(8)] == [422] * 8
    assert change(PASSWORD, "another-word-2") == 429
    assert log_in(api, "ann", PASSWORD).status_code == 429


@pytest.mark.anyio
async def test_guessing_it_in_the_first_wizard_is_slowed_down_too(api):
    app = create_app(api.settings, api.database, api.storage, api.engines, pages(api.settings, api.database))
    headers = {**api.as_("boss"), "Accept": "text/html"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://box", headers=headers) as client:

        async def change(old, new="another-word-2", **more):
            form = {"old": old, "new": new, "repeated": new, **more}
            return (await client.post("/admin/start", data=form)).status_code

        assert [await change(PASSWORD, "short") for _ in range(9)] == [422] * 9
        assert [await change("wrong-word") for _ in range(8)] == [422] * 8
        assert await change("", skip="1") == 303, "whoever gives no password may go on"
        assert await change(PASSWORD) == 429, "and has not made a right guess by it"


def test_the_first_admin_gets_a_one_time_password_once(database):
    password = services.ensure_admin(database, None)
    assert password
    assert services.log_in(database, "admin", password, 1, None).account.password_is_initial
    assert services.ensure_admin(database, None) is None


def test_a_preset_admin_password_is_not_told(database):
    assert services.ensure_admin(database, "preset-word-1") is None
    assert services.log_in(database, "ADMIN", "preset-word-1", 1, None).account.role == "admin"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_cannot_use_the_cookie(api, headers):
    cookie = {"Cookie": f"xiangyi_session={api.tokens['ann']}"}
    assert api.client.get("/api/v1/accounts/me", headers=cookie).status_code == 200
    answer = api.client.delete("/api/v1/sessions/current", headers={**cookie, **headers})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_site_request")
    assert api.client.get("/api/v1/accounts/me", headers=cookie).status_code == 200


def test_a_short_preset_password_works_and_asks_to_be_changed(database):
    services.ensure_admin(database, "admin")
    assert services.log_in(database, "admin", "admin", 1, None).account.password_is_initial
