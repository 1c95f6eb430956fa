"""The own sessions with their devices, their end one by one or all; the own data to take along."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from appliance.auth.sessions import device_of
from support.images import encoded, phantom

PASSWORD = "secret-word-1"
URL = "/api/v1/sessions"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120 MicroMessenger/8.0.50"


def log_in(api, username="ann", user_agent=WINDOWS) -> dict[str, str]:
    credentials = {"username": username, "password": PASSWORD}
    token = api.client.post(URL, json=credentials, headers={"User-Agent": user_agent}).json()["token"]
    return {"Authorization": f"Bearer {token}"}


def listed(api, headers) -> list[dict]:
    return api.client.get(URL, headers=headers).json()["items"]


def test_sessions_are_listed_with_device_and_time_this_one_first(api):
    headers = log_in(api, user_agent=WECHAT)
    log_in(api)
    found = listed(api, headers)
    assert (found[0]["device"], found[0]["current"]) == ("微信 · 安卓", True)
    assert "Chrome 浏览器 · Windows" in [each["device"] for each in found[1:]]
    assert len(found) == 3 and all(each["address"] and each["seenAt"] for each in found)
    assert "token" not in json.dumps(found)


def test_one_or_all_others_are_ended(api):
    mine, other, third = log_in(api), log_in(api), log_in(api)
    wanted = next(each["id"] for each in listed(api, other) if each["current"])
    assert api.client.delete(f"{URL}/{wanted}", headers=mine).status_code == 204
    assert api.client.get(URL, headers=other).status_code == 401
    assert api.client.delete(f"{URL}/{wanted}", headers=mine).status_code == 404
    assert api.client.delete(f"{URL}/others", headers=mine).status_code == 204
    assert api.client.get(URL, headers=third).status_code == 401
    assert len(listed(api, mine)) == 1


def test_nobody_ends_anothers_session(api):
    wanted = listed(api, api.as_("bo"))[0]["id"]
    for who in ("ann", "boss"):
        assert api.client.delete(f"{URL}/{wanted}", headers=api.as_(who)).status_code == 404
    assert listed(api, api.as_("bo"))


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("python-httpx/0.28", "python-httpx/0.28"),
        ("", "未知设备"),
        ("<script>alert(1)</script>\u202e", "<script>alert(1)</script>"),
        ("x" * 500, "x" * 40),
    ],
)
def test_a_device_of_any_kind_has_a_name(user_agent, device):
    assert device_of(user_agent) == device


def test_the_own_data_are_all_there_and_nobody_elses(api):
    api.upload("ann", ("眼底.png", encoded(phantom())))
    study = api.client.get("/api/v1/studies", headers=api.as_("ann")).json()["items"][0]
    others = api.upload("bo", ("other.png", encoded(phantom()[:400]))).json()
    made = {"kind": "article", "title": "题", "body": "文", "state": "published"}
    article = api.client.post("/api/v1/publications", headers=api.as_("boss"), json=made).json()
    comments = f"/api/v1/articles/{article['id']}/comments"
    api.client.post(comments, headers=api.as_("ann"), json={"text": "我的留言"})
    api.client.post(comments, headers=api.as_("bo"), json={"text": "别人的留言"})
    answer = api.client.get("/api/v1/accounts/me/export", headers=api.as_("ann"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        said = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".json")}
        assert set(said) == {"account.json", "studies.json", "consultations.json", "comments.json"}
        source = archive.read(f"studies/{study['id']}/1-source.png")
    assert source == encoded(phantom())
    assert [each["text"] for each in json.loads(said["comments.json"])] == ["我的留言"]
    assert [each["id"] for each in json.loads(said["studies.json"])] == [study["id"]]
    assert others["id"] not in "".join(said.values())
    assert json.loads(said["account.json"])["username"] == "ann" and "argon2" not in said["account.json"]
    left = [path for path in api.settings.data_dir.iterdir() if path.is_file() and "xiangyi.db" not in path.name]
    assert left == []


def test_own_data_that_find_no_room_on_the_disk_are_told_as_such(api, monkeypatch):
    full = Path("/dev/full").open("w+b")  # noqa: SIM115 - whoever sends it would close it
    monkeypatch.setattr("appliance.own_data.tempfile.TemporaryFile", lambda dir: full)
    answer = api.client.get("/api/v1/accounts/me/export", headers=api.as_("ann"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full")
