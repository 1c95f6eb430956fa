"""Write, publish, schedule, pin, search, delete, bring back; read what is published; pictures; hostile texts."""

import io
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image, ImageOps

from appliance import leftovers
from appliance.articles import publishing
from appliance.articles.markdown import excerpt, render
from appliance.clock import utc_now
from appliance.database import rows
from support.images import encoded, phantom

FORBIDDEN = re.compile(
    r"<(?!/?(?:p|br|h[2-6]|blockquote|pre|code|[uo]l|li|strong|em|s|a|img|t[rhd]|table|thead|tbody|hr)\b)"
)


def save(api, who: str = "boss", **values):
    body = {"kind": "article", "title": "高血压的日常管理", "body": "少盐。", "state": "published", **values}
    return api.client.post("/api/v1/publications", headers=api.as_(who), json=body)


def change(api, made: dict, **values):
    body = {name: made[name] for name in ("kind", "title", "body", "state", "pinned")}
    return api.client.put(f"/api/v1/publications/{made['id']}", headers=api.as_("boss"), json={**body, **values})


def titles(api, path: str = "articles", **query) -> list[str]:
    found = api.client.get(f"/api/v1/{path}", headers=api.as_("ann"), params=query).json()
    return [item["title"] for item in found["items"]]


def add_picture(api, content: bytes, name: str = "海报.png", who: str = "boss"):
    return api.client.post("/api/v1/pictures", headers=api.as_(who), files={"file": (name, content)})


def test_an_article_is_read_by_everyone_and_stays_out_of_the_announcements(api):
    made = save(api, body="# 一\n**注意：**少盐").json()
    read = api.client.get(f"/api/v1/articles/{made['id']}", headers=api.as_("ann")).json()
    assert read["html"].strip() == "<h2>一</h2>\n<p><strong>注意：</strong>少盐</p>"
    assert (read["excerpt"], read["comments"]) == ("一 注意：少盐", 0)
    assert titles(api) == ["高血压的日常管理"] and titles(api, "announcements") == []
    assert api.client.get(f"/api/v1/announcements/{made['id']}", headers=api.as_("ann")).status_code == 404


def test_an_empty_list_is_a_page(api):
    answer = api.client.get("/api/v1/articles", headers=api.as_("ann"))
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


def test_drafts_and_scheduled_ones_are_hidden_until_their_time(api):
    draft = save(api, title="草稿", state="draft", body="").json()
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    planned = save(api, title="明天停电", kind="announcement", state="scheduled", publishAt=later).json()
    assert (draft["state"], planned["state"]) == ("draft", "scheduled")
    assert titles(api) == titles(api, "announcements") == []
    assert api.client.get(f"/api/v1/articles/{draft['id']}", headers=api.as_("boss")).status_code == 404
    api.database.write(lambda db: db.table("publications").update(planned["id"], {"publish_at": utc_now()}))
    assert titles(api, "announcements") == ["明天停电"]


def test_saving_a_published_one_again_keeps_its_date(api):
    made = save(api).json()
    again = change(api, made, title="高血压").json()
    assert (again["title"], again["publishAt"]) == ("高血压", made["publishAt"])
    assert change(api, again, state="draft").json()["publishAt"] is None
    assert titles(api) == []


def test_the_pinned_come_first_and_pages_lead_on(api):
    for number in range(22):
        save(api, title=f"第 {number} 篇", pinned=number == 3)
    first = api.client.get("/api/v1/articles", headers=api.as_("ann")).json()
    assert [item["title"] for item in first["items"]][:3] == ["第 3 篇", "第 21 篇", "第 20 篇"]
    assert len(first["items"]) == 20
    assert titles(api, after=first["next"]) == ["第 1 篇", "第 0 篇"]


def test_search_takes_its_words_literally(api):
    save(api, title="糖尿病", body="血糖 100% 达标")
    save(api, title="感冒", body="多喝水")
    assert titles(api, q="100%") == ["糖尿病"]
    assert titles(api, q="%") == ["糖尿病"]
    assert titles(api, q="_") == titles(api, q="' OR 1=1 --") == []


def test_a_deletion_can_be_taken_back_until_it_is_too_old(api, live):
    made = save(api).json()
    path = f"/api/v1/publications/{made['id']}"
    assert api.client.delete(path, headers=api.as_("boss")).status_code == 204
    assert titles(api) == [] and api.client.get(path, headers=api.as_("boss")).status_code == 404
    assert change(api, made).status_code == 404
    assert api.client.post(f"{path}/restore", headers=api.as_("boss")).json()["title"] == made["title"]
    assert titles(api) == [made["title"]]
    assert api.client.post(f"{path}/restore", headers=api.as_("boss")).status_code == 404
    api.client.delete(path, headers=api.as_("boss"))
    publishing.forget_deleted(api.database)
    assert len(api.database.read(lambda db: rows(db, "SELECT id FROM publications"))) == 1
    live(25)
    publishing.forget_deleted(api.database)
    assert api.database.read(lambda db: rows(db, "SELECT id FROM publications")) == []


def test_two_who_edit_at_once_are_told(api):
    made = save(api).json()
    assert change(api, made, title="甲", basedOn=made["updatedAt"]).status_code == 200
    answer = change(api, made, title="乙", basedOn=made["updatedAt"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "edited_meanwhile")
    assert titles(api) == ["甲"]


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"title": " \n "}, 422, "title_empty"),
        ({"body": "  "}, 422, "body_empty"),
        ({"title": "长" * 121}, 413, "title_too_long"),
        ({"body": "长" * 100_001}, 413, "body_too_long"),
        ({"state": "scheduled"}, 422, "publish_at_invalid"),
        ({"state": "scheduled", "publishAt": "2020-01-01T00:00:00Z"}, 422, "publish_at_invalid"),
        ({"state": "scheduled", "publishAt": "2199-01-01T00:00:00Z"}, 422, "publish_at_invalid"),
        ({"state": "scheduled", "publishAt": "2027-01-01T00:00:00"}, 422, "publish_at_invalid"),
        ({"state": "gone"}, 422, "invalid"),
        ({"kind": "poem"}, 422, "invalid"),
    ],
)
def test_what_cannot_be_saved(api, values, status, code):
    answer = save(api, **values)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert titles(api) == []


def test_only_admins_publish(api):
    made = save(api).json()
    path = f"/api/v1/publications/{made['id']}"
    for who in ("ann", "doc"):
        headers = api.as_(who)
        assert save(api, who=who).status_code == 403
        assert api.client.get("/api/v1/publications", headers=headers).status_code == 403
        assert api.client.get(path, headers=headers).status_code == 403
        assert api.client.put(path, headers=headers, json=made).status_code == 403
        assert api.client.delete(path, headers=headers).status_code == 403
        assert api.client.post(f"{path}/restore", headers=headers).status_code == 403
        assert api.client.post("/api/v1/publications/preview", headers=headers, json={"body": "x"}).status_code == 403
        assert add_picture(api, encoded(phantom()), who=who).status_code == 403
    assert titles(api) == [made["title"]]


def test_the_admins_list_filters_by_state_and_kind(api):
    made = save(api, title="甲").json()
    save(api, title="乙", kind="announcement", state="draft")
    api.client.delete(f"/api/v1/publications/{made['id']}", headers=api.as_("boss"))

    def listed(**query) -> list[str]:
        found = api.client.get("/api/v1/publications", headers=api.as_("boss"), params=query).json()
        return [item["title"] for item in found["items"]]

    assert listed() == ["乙"]
    assert listed(status="deleted") == ["甲"]
    assert listed(status="draft", kind="announcement") == ["乙"]
    assert listed(status="published") == listed(kind="article") == listed(q="丙") == []
    assert api.client.get("/api/v1/publications?status=x", headers=api.as_("boss")).status_code == 422
    assert api.client.get("/api/v1/articles?after=x", headers=api.as_("ann")).status_code == 422


def test_the_preview_is_what_readers_get(api):
    body = "## 二\n- 一\n\n| a |\n|---|\n| 1 |"
    preview = api.client.post("/api/v1/publications/preview", headers=api.as_("boss"), json={"body": body}).json()
    made = save(api, body=body).json()
    assert preview["html"] == api.client.get(f"/api/v1/articles/{made['id']}", headers=api.as_("ann")).json()["html"]


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "[点](javascript:alert(1))",
        "[点](JaVaScRiPt:alert(1))",
        "[点](data:text/html;base64,PHNjcmlwdD4=)",
        "[点](vbscript:x)",
        "[点](//evil.example/x)",
        "[点](/\\evil.example)",
        "<javascript:alert(1)>",
        "![图](http://evil.example/x.png)",
        "![图](javascript:alert(1))",
        '![图](/api/v1/pictures/x" onerror="alert(1))',
        "[点](/x 'y\" onmouseover=\"alert(1)')",
        '```x" onmouseover="alert(1)\n<script>\n```',
        "<iframe src=//evil.example></iframe><style>*{display:none}</style>",
        "[a]: javascript:alert(1)\n\n[a]",
        "<a href=&#106;avascript:alert(1)>x</a>",
    ],
)
def test_a_hostile_body_does_no_harm(body):
    made = render(body)
    assert not FORBIDDEN.search(made), made
    for start in re.findall(r"<(?!/)[^>]*>", made):
        names = set(re.findall(r"([\w-]+)=\"", re.sub(r'"[^"]*"', '""', start)))
        assert names <= {"href", "src", "alt", "title", "rel", "loading", "start"}, made
    for target in re.findall(r'(?:href|src)="([^"]*)"', made):
        assert re.match(r"https?://|/[^/\\]", target), made
    assert "evil.example" not in "".join(re.findall(r'(?:src)="([^"]*)"', made))


def test_links_cannot_reach_back_and_headings_leave_the_title_alone():
    assert render("[卫健委](https://example.org/a)") == (
        '<p><a href="https://example.org/a" rel="noopener noreferrer">卫健委</a></p>\n'
    )
    assert render("# 一\n###### 六") == "<h2>一</h2>\n<h6>六</h6>\n"


@pytest.mark.parametrize("body", ["*" * 90_000, "[" * 90_000, "> " * 40_000, "中**" * 30_000, "<" * 90_000])
def test_no_body_keeps_the_box_busy(body):
    began = datetime.now()
    render(body)
    assert datetime.now() - began < timedelta(seconds=10)


def test_an_excerpt_is_plain():
    assert excerpt("# 一\n\n**粗** `码` <b>x</b> & [链](https://a.cn)") == "一 粗 码 <b>x</b> & 链"
    assert len(excerpt("长" * 500)) == 120


def test_a_picture_is_made_anew_and_served(api):
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    photo = encoded(np.tile(phantom(), (4, 4, 1)), "JPEG", exif=exif) + b"<script>alert(1)</script>"
    made = add_picture(api, photo, "a](x)<b>.jpg").json()
    assert made["markdown"] == f"![axb]({made['url']})"
    api.client.cookies.clear()
    served = api.client.get(made["url"])  # a mini program's rich text sends no token
    assert (served.status_code, served.headers["content-type"]) == (200, "image/jpeg")
    assert served.headers["x-content-type-options"] == "nosniff"
    assert b"secret place" not in served.content and b"<script>" not in served.content
    with Image.open(io.BytesIO(served.content)) as image:
        assert max(image.size) == 1600 == max(made["widthPx"], made["heightPx"])
    assert made["url"] in render(made["markdown"])


def test_broken_exif_data_cost_no_picture(api):
    broken = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x1a\x01\x07\0\x04\0\0\0\1\2\3\4\0\0\0\0"
    with pytest.raises(TypeError), Image.open(io.BytesIO(encoded(phantom(), "JPEG", exif=broken))) as image:
        ImageOps.exif_transpose(image)
    wide = np.ascontiguousarray(phantom()[:400])
    added = add_picture(api, encoded(wide, "JPEG", exif=broken))
    assert added.status_code == 201
    assert (added.json()["widthPx"], added.json()["heightPx"]) == (400, 565)  # its turn can be read, as a study's


def test_a_picture_that_no_text_shows_any_more_goes_after_a_day(api, monkeypatch, live):
    monkeypatch.setattr(leftovers, "FRESH_S", -1)
    shown, unsaved = add_picture(api, encoded(phantom())).json(), add_picture(api, encoded(phantom()[:90])).json()
    made = save(api, body=shown["markdown"]).json()
    api.client.delete(f"/api/v1/publications/{made['id']}", headers=api.as_("boss"))

    def served() -> list[int]:
        publishing.forget_deleted(api.database)
        leftovers.sweep(api.database, api.storage)
        return [api.client.get(each["url"]).status_code for each in (shown, unsaved)]

    assert served() == [200, 200], "an editor may still be open"
    live(-5)
    live(2, 1)
    assert served() == [200, 404], "what was deleted lately can come back with its picture"
    live(25)
    assert served() == [404, 404]
    assert [path for path in api.settings.files_dir.rglob("*") if path.is_file()] == []


def test_transparency_becomes_white(api):
    layer = np.zeros((8, 8, 4), np.uint8)
    made = add_picture(api, encoded(layer)).json()
    with Image.open(io.BytesIO(api.client.get(made["url"]).content)) as image:
        assert image.getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "file_empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 415, "picture_type_unsupported"),
        (b"GIF89a<script>alert(1)</script>", 415, "picture_type_unsupported"),
        (encoded(phantom())[:5000], 422, "picture_damaged"),
        (b"x" * (20 * 1024 * 1024 + 1), 413, "picture_too_large"),
    ],
)
def test_what_is_no_picture_is_refused(api, content, status, code):
    before = len(api.stored_files())
    answer = add_picture(api, content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(api.stored_files()) == before


def test_a_bomb_of_pixels_is_refused_by_its_header(api):
    out = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(out, "PNG")
    answer = add_picture(api, out.getvalue())
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "picture_too_many_pixels")


def test_no_other_file_of_the_storage_is_served_as_a_picture(api):
    api.upload("ann", ("photo.png", encoded(phantom())))
    for path in api.stored_files():
        if len(path.name) == 64:
            assert api.client.get(f"/api/v1/pictures/{path.name}").status_code == 404


def test_what_admins_do_is_audited(api):
    made = save(api).json()
    change(api, made)
    api.client.delete(f"/api/v1/publications/{made['id']}", headers=api.as_("boss"))
    sql = "SELECT action FROM audit_rows WHERE subject = ? ORDER BY id"
    actions = [row["action"] for row in api.database.read(lambda db: rows(db, sql, made["id"]))]
    assert actions == ["article.create", "article.update", "article.delete"]
