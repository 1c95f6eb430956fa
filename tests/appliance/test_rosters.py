"""Accounts as CSV: a report on every row first, then the good ones; out again so that Excel opens it safely."""

import csv
import io

import pytest

from appliance.database import rows

URL = "/api/v1/accounts"
GOOD = "用户名,姓名,科室,角色\nli,李大夫,内科,医生\nwang,王小明,,用户\n"


def bring(api, content: bytes, dry: bool = True):
    files = {"file": ("名单.csv", content)}
    return api.client.post(f"{URL}/import", params={"dry": dry}, headers=api.as_("boss"), files=files)


def names(api) -> set[str]:
    return {each["username"] for each in api.database.read(lambda db: rows(db, "SELECT username FROM accounts"))}


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        GOOD.encode("utf-8-sig"),
        GOOD.encode("gb18030"),
        GOOD.replace(",", "\t").encode(),
        GOOD.replace("\n", "\r\n").replace("用户名", "username").encode(),
    ],
)
def test_whatever_excel_saves_is_read(api, content):
    report = bring(api, content).json()
    assert (report["good"], report["stored"]) == (2, False)
    assert report["items"][0] == {
        "line": 2,
        "username": "li",
        "fullName": "李大夫",
        "department": "内科",
        "role": "clinician",
        "problem": "",
        "password": "",
    }
    assert "li" not in names(api)


def test_the_good_rows_become_accounts_with_passwords(api):
    report = bring(api, f"{GOOD}ann,重名,,用户\n".encode(), dry=False).json()
    assert (report["good"], report["stored"]) == (2, True)
    assert names(api) >= {"li", "wang"}
    credentials = {"username": "li", "password": report["items"][0]["password"]}
    account = api.client.post("/api/v1/sessions", json=credentials).json()["account"]
    assert account["passwordIsInitial"] and account["role"] == "clinician"
    assert report["items"][2]["password"] == "" and "已有账号" in report["items"][2]["problem"]


def test_each_row_is_told_its_problem(api):
    lines = ["li,,,国王", "x,,,", "wang,,,", "WANG,,,", "ann,,,", f"zhao,{'长' * 41},,", ",,,", ',"只有姓名",,']
    report = bring(api, ("用户名,姓名,科室,角色\n" + "\n".join(lines)).encode()).json()
    problems = {each["line"]: each["problem"] for each in report["items"]}
    assert problems[2].startswith("没有“国王”") and "用户名须为" in problems[3]
    assert problems[4] == "" and "前面" in problems[5] and "已有账号" in problems[6] and "不超过" in problems[7]
    assert 8 not in problems and "用户名须为" in problems[9]
    assert report["good"] == 1


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "roster_header"),
        ("姓名\n李\n".encode(), 422, "roster_header"),
        ("用户名\n".encode(), 422, "roster_empty"),
        (b"\x89PNG\r\n\x1a\n\xff\xff", 422, "roster_encoding"),
        (b"x" * (1024 * 1024 + 1), 413, "roster_too_large"),
        (b"username\n" + b"".join(b"u%d\n" % n for n in range(501)), 413, "roster_too_long"),
        (b"username\n" + b'"' + b"x" * 200_000 + b'"\n', 422, "roster_broken"),
    ],
)
def test_what_is_no_roster(api, content, status, code):
    answer = bring(api, content, dry=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert names(api) == {"ann", "bo", "doc", "boss"}


def test_out_and_in_again_and_no_cell_is_a_formula(api):
    evil = '=cmd|"/c calc"!A1'
    made = {"username": "+li", "fullName": evil, "department": "@SUM(1)"}
    assert api.client.post(URL, headers=api.as_("boss"), json=made).status_code == 201
    answer = api.client.get(f"{URL}/export", headers=api.as_("boss"))
    assert answer.content.startswith(b"\xef\xbb\xbf") and "attachment" in answer.headers["content-disposition"]
    table = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert table[0][:4] == ["用户名", "姓名", "科室", "角色"]
    assert [line[:3] for line in table if "li" in line[0]] == [["'+li", f"'{evil}", "'@SUM(1)"]]
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in table for cell in line)
    assert "argon2" not in answer.text
    api.database.write(lambda db: db.execute("DELETE FROM accounts WHERE username = '+li'"))
    bring(api, answer.content, dry=False)
    sql = "SELECT full_name, department FROM accounts WHERE username = '+li'"
    assert api.database.read(lambda db: rows(db, sql)) == [{"full_name": evil, "department": "@SUM(1)"}]
