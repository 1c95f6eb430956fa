"""Admins search, create, edit, disable accounts and reset passwords; never does the box lose its admin."""

import re

import pytest

from appliance.auth import accounts
from appliance.auth.services import Account
from appliance.database import row, rows

PASSWORD = "secret-word-1"
URL = "/api/v1/accounts"


def log_in(api, username, password, **headers):
    return api.client.post("/api/v1/sessions", json={"username": username, "password": password}, headers=headers)


def create(api, username="li", who="boss", **values):
    return api.client.post(URL, headers=api.as_(who), json={"username": username, **values})


def listed(api, **query) -> list[str]:
    found = api.client.get(URL, headers=api.as_("boss"), params=query).json()
    return [each["username"] for each in found["items"]]


def person(api, username: str) -> dict:
    found = api.client.get(URL, headers=api.as_("boss"), params={"q": username}).json()
    return next(each for each in found["items"] if each["username"] == username)


def edit(api, whom: str, /, who: str = "boss", **values):
    known = person(api, whom)
    names = ("username", "role", "fullName", "department", "disabled")
    body = {**{name: known[name] for name in names}, **values}
    return api.client.put(f"{URL}/{known['id']}", headers=api.as_(who), json=body)


def me(api, name: str) -> int:
    return api.client.get(f"{URL}/me", headers=api.as_(name)).status_code


def test_a_new_account_gets_a_password_that_is_told_once(api):
    made = create(api, "li", role="clinician", fullName=" 李 医生 ", department="内科").json()
    assert re.fullmatch(r"([a-z2-9]{4}-){2}[a-z2-9]{4}", made["password"])
    session = log_in(api, "li", made["password"]).json()
    assert session["account"]["passwordIsInitial"] and session["account"]["role"] == "clinician"
    known = api.client.get(f"{URL}/{made['id']}", headers=api.as_("boss"))
    assert (known.json()["fullName"], known.json()["department"]) == ("李 医生", "内科")
    stored = repr(api.database.read(lambda db: rows(db, "SELECT * FROM accounts")))
    assert made["password"] not in known.text and made["password"] not in stored


def test_search_by_name_department_role_and_state(api):
    create(api, "li", fullName="李大夫", department="内科", role="clinician")
    create(api, "wang", disabled=True)
    assert listed(api, q="大夫") == listed(api, q="内科") == listed(api, q="LI") == ["li"]
    assert listed(api, status="disabled") == ["wang"]
    assert listed(api, role="clinician") == ["doc", "li"]
    assert listed(api, q="%") == listed(api, q="nobody") == []
    assert api.client.get(f"{URL}/nobody", headers=api.as_("boss")).status_code == 404


def test_pages_lead_on(api):
    boss = row_of(api, "boss")
    for number in range(60):
        profile = accounts.Profile(f"user{number:02}", "user")
        api.database.write(lambda db, profile=profile: accounts.insert_person(db, boss, profile, "x"))
    first = api.client.get(URL, headers=api.as_("boss")).json()
    assert len(first["items"]) == 50
    assert listed(api, after=first["next"]) == [f"user{number:02}" for number in range(46, 60)]


def row_of(api, username: str) -> Account:
    found = api.database.read(lambda db: row(db, "SELECT * FROM accounts WHERE username = ?", username))
    return Account(found["id"], found["username"], found["role"])


def test_a_disabled_account_is_out_at_once_and_can_come_back(api):
    assert edit(api, "ann", disabled=True).json()["disabled"]
    assert (me(api, "ann"), log_in(api, "ann", PASSWORD).status_code) == (401, 401)
    edit(api, "ann", disabled=False)
    assert (me(api, "ann"), log_in(api, "ann", PASSWORD).status_code) == (401, 201)


def test_a_role_counts_from_the_next_request_on(api):
    assert edit(api, "ann", role="admin").status_code == 200
    assert create(api, "zhao", who="ann").status_code == 201


def test_a_reset_password_ends_the_sessions_and_is_to_be_changed(api):
    url = f"{URL}/{person(api, 'ann')['id']}/password"
    password = api.client.post(url, headers=api.as_("boss")).json()["password"]
    assert me(api, "ann") == 401 and log_in(api, "ann", PASSWORD).status_code == 401
    assert log_in(api, "ann", password).json()["account"]["passwordIsInitial"]
    own = api.client.post(f"{URL}/{person(api, 'boss')['id']}/password", headers=api.as_("boss"))
    assert (own.status_code, own.json()["error"]["code"]) == (409, "own_account")


@pytest.mark.parametrize("values", [{"disabled": True}, {"role": "clinician"}, {"role": "user", "disabled": True}])
def test_no_admin_locks_themself_out(api, values):
    create(api, "second", role="admin")
    answer = edit(api, "boss", **values)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "own_account")
    assert me(api, "boss") == 200


def test_the_last_admin_stays(api):
    """Two admins who demote each other at the same moment: the second of them is too late."""
    made = create(api, "second", role="admin").json()
    second = Account(made["id"], "second", "admin")
    edit(api, "second", role="user")
    boss = person(api, "boss")
    with pytest.raises(accounts.Conflict, match="最后一个管理员"):
        accounts.update_person(api.database, second, boss["id"], accounts.Profile("boss", "user"))
    assert person(api, "boss")["role"] == "admin"


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"username": "x"}, 422, "username_invalid"),
        ({"username": "a b"}, 422, "username_invalid"),
        ({"username": "abc\u202e"}, 422, "username_invalid"),
        ({"username": "ANN"}, 409, "username_taken"),
        ({"username": "li", "role": "king"}, 422, "role_invalid"),
        ({"username": "li", "fullName": "长" * 41}, 422, "name_too_long"),
    ],
)
def test_what_is_no_account(api, values, status, code):
    for answer in (create(api, **values), edit(api, "bo", **values)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(listed(api)) == 4


def test_only_admins_see_to_accounts(api):
    one = f"{URL}/{person(api, 'bo')['id']}"
    for who in ("ann", "doc"):
        headers = api.as_(who)
        assert create(api, who=who).status_code == 403
        assert api.client.get(URL, headers=headers).status_code == 403
        assert api.client.get(one, headers=headers).status_code == 403
        assert edit(api, "bo", who=who, disabled=True).status_code == 403
        assert api.client.post(f"{one}/password", headers=headers).status_code == 403
        assert api.client.get(f"{URL}/export", headers=headers).status_code == 403
        files = {"file": ("a.csv", b"username\nli\n")}
        assert api.client.post(f"{URL}/import?dry=false", headers=headers, files=files).status_code == 403
    assert me(api, "bo") == 200 and len(listed(api)) == 4


def test_last_seen_is_kept(api):
    assert person(api, "ann")["seenAt"]
    old = "2020-01-01T00:00:00.000Z"
    api.database.write(lambda db: db.conn.execute("UPDATE accounts SET seen_at = ?", (old,)))
    me(api, "bo")
    assert person(api, "bo")["seenAt"] == old, "no write for each request"
    api.database.write(lambda db: db.conn.execute("UPDATE sessions SET seen_at = ?", (old,)))
    me(api, "bo")
    assert person(api, "bo")["seenAt"] > old


def test_the_wish_to_be_deleted_reaches_the_admins(api):
    assert api.client.put(f"{URL}/me/deletion", headers=api.as_("ann")).status_code == 204
    assert listed(api, status="asked") == ["ann"] and person(api, "ann")["deletionAskedAt"]
    assert api.client.delete(f"{URL}/me/deletion", headers=api.as_("ann")).status_code == 204
    assert listed(api, status="asked") == []


def test_each_act_is_audited(api):
    edit(api, "ann", role="clinician", disabled=True)
    sql = "SELECT action FROM audit_rows WHERE subject = ? AND account_id = ? ORDER BY id"
    boss, ann = row_of(api, "boss").id, row_of(api, "ann").id
    actions = [each["action"] for each in api.database.read(lambda db: rows(db, sql, ann, boss))]
    assert actions == ["account.update", "account.change_role", "account.disable"]
