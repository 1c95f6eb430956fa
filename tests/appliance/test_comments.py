"""Leave a comment, wait for an admin, be approved or not, take it back."""

import pytest

from appliance.database import rows


def publish(api, **values) -> str:
    body = {"kind": "announcement", "title": "停诊通知", "body": "周六停诊。", "state": "published", **values}
    made = api.client.post("/api/v1/publications", headers=api.as_("boss"), json=body).json()
    return f"/api/v1/{made['kind']}s/{made['id']}"


def comment(api, path: str, text: str = "收到", who: str = "ann"):
    return api.client.post(f"{path}/comments", headers=api.as_(who), json={"text": text})


def texts(api, path: str, who: str) -> list[tuple[str, str]]:
    found = api.client.get(f"{path}/comments", headers=api.as_(who)).json()["items"]
    return [(each["text"], each["state"]) for each in found]


def decide(api, comment_id: str, state: str, who: str = "boss"):
    return api.client.put(f"/api/v1/comments/{comment_id}", headers=api.as_(who), json={"state": state})


def test_a_comment_waits_is_approved_and_then_seen_by_all(api):
    path = publish(api)
    made = comment(api, path).json()
    assert (made["state"], made["own"], made["author"]) == ("pending", True, "ann")
    assert texts(api, path, "ann") == [("收到", "pending")]
    assert texts(api, path, "bo") == []
    waiting = api.client.get("/api/v1/comments", headers=api.as_("boss")).json()["items"]
    assert [(each["text"], each["publicationTitle"]) for each in waiting] == [("收到", "停诊通知")]
    assert decide(api, made["id"], "approved").json()["state"] == "approved"
    assert texts(api, path, "bo") == [("收到", "approved")]
    assert api.client.get(path, headers=api.as_("bo")).json()["comments"] == 1
    assert decide(api, made["id"], "rejected").status_code == 200
    assert (texts(api, path, "bo"), texts(api, path, "ann")) == ([], [("收到", "rejected")])


def test_an_admins_own_comment_is_shown_at_once(api):
    path = publish(api)
    assert comment(api, path, "请看二楼公告栏", "boss").json()["state"] == "approved"
    assert texts(api, path, "ann") == [("请看二楼公告栏", "approved")]


def test_only_the_author_and_admins_delete(api):
    path = publish(api)
    one, two = comment(api, path, "一").json(), comment(api, path, "二").json()
    url = f"/api/v1/comments/{one['id']}"
    assert api.client.delete(url, headers=api.as_("bo")).status_code == 404
    assert api.client.delete(url, headers=api.as_("doc")).status_code == 404
    assert api.client.delete(url, headers=api.as_("ann")).status_code == 204
    assert api.client.delete(url, headers=api.as_("ann")).status_code == 404
    assert api.client.delete(f"/api/v1/comments/{two['id']}", headers=api.as_("boss")).status_code == 204
    assert texts(api, path, "ann") == []


def test_only_admins_moderate(api):
    made = comment(api, publish(api)).json()
    for who in ("ann", "doc"):
        assert decide(api, made["id"], "approved", who).status_code == 403
        assert api.client.get("/api/v1/comments", headers=api.as_(who)).status_code == 403
    assert decide(api, "nobody", "approved").status_code == 404
    assert decide(api, made["id"], "loved").status_code == 422
    assert api.client.get("/api/v1/comments?status=x", headers=api.as_("boss")).status_code == 422


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("  ", 422, "comment_empty"),
        ("\u202e\u0000", 422, "comment_empty"),
        ("长" * 501, 413, "comment_too_long"),
    ],
)
def test_what_is_no_comment(api, text, status, code):
    answer = comment(api, publish(api), text)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_nobody_comments_without_end_not_even_by_deleting(api):
    path = publish(api)
    for number in range(5):
        made = comment(api, path, f"第 {number} 条").json()
        api.client.delete(f"/api/v1/comments/{made['id']}", headers=api.as_("ann"))
    answer = comment(api, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "comments_too_many")
    assert comment(api, path, who="bo").status_code == 201


def test_what_is_not_published_takes_no_comments(api):
    hidden = publish(api, state="draft")
    assert comment(api, hidden).status_code == 404
    assert api.client.get(f"{hidden}/comments", headers=api.as_("ann")).status_code == 404
    shown = publish(api)
    assert comment(api, shown.replace("announcements", "articles")).status_code == 404


def test_markup_is_kept_as_text(api):
    path = publish(api)
    assert comment(api, path, "<script>alert(1)</script>\r\n第二行").json()["text"] == (
        "<script>alert(1)</script>\n第二行"
    )


def test_comments_end_with_what_they_stand_under(api):
    path = publish(api)
    comment(api, path)
    api.client.delete(f"/api/v1/publications/{path.rsplit('/', 1)[1]}", headers=api.as_("boss"))
    assert api.client.get("/api/v1/comments", headers=api.as_("boss")).json()["items"] == []
    api.database.write(lambda db: db.execute("DELETE FROM publications"))
    assert api.database.read(lambda db: rows(db, "SELECT * FROM comments")) == []
