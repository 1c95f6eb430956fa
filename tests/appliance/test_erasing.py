"""A person's data are erased for good, by themselves or by an admin; what others share with them stays."""

import re

import pytest

from appliance import leftovers
from appliance.database import row, rows
from support.images import encoded, phantom

OWN, PASSWORD = "/api/v1/me/data", "secret-word-1"
SECRET = "孩子夜里尿床这件事别让人知道"


@pytest.fixture(autouse=True)
def no_file_is_too_fresh(monkeypatch):
    monkeypatch.setattr(leftovers, "FRESH_S", -1)


def erase(api, who: str, path: str = OWN, password: str = PASSWORD):
    return api.client.request("DELETE", path, headers=api.as_(who), json={"password": password})


def furnish(api, who: str) -> str:
    """A corrected study, a question and a comment; returns the study's id."""
    study = api.upload(who, ("eye.png", encoded(phantom()))).json()["id"]
    api.work()
    mask = api.client.get(f"/api/v1/studies/{study}/images/0/mask", headers=api.as_(who)).content
    path, headers = f"/api/v1/studies/{study}/images/0/corrections", {**api.as_(who), "Content-Type": "image/png"}
    assert api.client.post(path, headers=headers, content=mask).status_code == 202
    api.work()
    assert post(api, who, "consultations", {"question": SECRET, "studyId": study})
    notice = {"kind": "announcement", "title": "停诊", "body": "周六", "state": "published"}
    publication = post(api, "boss", "publications", notice)["id"]
    post(api, who, f"announcements/{publication}/comments", {"text": SECRET})
    return study


def post(api, who: str, path: str, body: dict) -> dict:
    answer = api.client.post(f"/api/v1/{path}", headers=api.as_(who), json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def count(api, table: str, account: str) -> int:
    sql = f"SELECT count(*) AS n FROM {table} JOIN accounts a ON a.id = account_id WHERE a.username = ?"
    return api.database.read(lambda db: row(db, sql, account))["n"]


def account_id(api, name: str) -> str:
    return api.database.read(lambda db: row(db, "SELECT id FROM accounts WHERE username = ?", name))["id"]


def test_all_of_a_persons_goes_and_nothing_of_it_can_be_read_any_more(api):
    study = furnish(api, "ann")
    assert b"".join(path.read_bytes() for path in api.settings.data_dir.glob("xiangyi.db*")).count(SECRET.encode())
    answer = erase(api, "ann")
    assert (answer.status_code, answer.json()) == (200, {"studies": 1, "consultations": 1, "comments": 1})
    for table in ("studies", "consultations", "comments", "sessions"):
        assert count(api, table, "ann") == 0, table
    for table in ("images", "corrections", "jobs", "messages", "leftovers", "question_index_docsize"):
        assert api.database.read(lambda db, table=table: rows(db, f"SELECT * FROM {table}")) == [], table
    assert [path for path in api.settings.files_dir.rglob("*") if path.is_file()] == []
    vocabulary = "CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, question_index, row)"
    api.database.write(lambda db: db.conn.execute(vocabulary))
    assert api.database.write(lambda db: rows(db, "SELECT term FROM temp.words")) == []
    data = api.database.read(lambda db: rows(db, "SELECT block FROM question_index_data"))
    assert not any("尿床".encode() in each["block"] for each in data)
    left = b"".join(path.read_bytes() for path in api.settings.data_dir.glob("xiangyi.db*"))
    assert SECRET.encode() not in left, "the words are still in the database's file"
    assert api.client.get(f"/api/v1/studies/{study}", headers=api.as_("ann")).status_code == 401
    audit = api.database.read(lambda db: rows(db, "SELECT action, subject FROM audit_rows"))
    assert {"account.erase", "study.create", "consultation.create"} <= {each["action"] for each in audit}
    assert all(re.fullmatch(r"[0-9a-f]{24}|all|unknown", each["subject"]) for each in audit), audit
    again = api.client.post("/api/v1/sessions", json={"username": "ann", "password": PASSWORD})
    assert again.status_code == 201, "the account stays"


def test_files_that_two_share_stay_for_the_other(api):
    furnish(api, "ann")
    other = furnish(api, "bo")
    mask = api.client.get(f"/api/v1/studies/{other}/images/0/mask", headers=api.as_("bo")).content
    assert erase(api, "ann").status_code == 200
    for part in ("source", "view", "layer", "mask", "overlay"):
        answer = api.client.get(f"/api/v1/studies/{other}/images/0/{part}", headers=api.as_("bo"))
        assert answer.status_code == 200, part
        assert part != "mask" or answer.content == mask
    assert count(api, "consultations", "bo") == count(api, "comments", "bo") == 1
    assert erase(api, "bo").status_code == 200
    assert [path for path in api.settings.files_dir.rglob("*") if path.is_file()] == []


def test_a_wrong_password_erases_nothing_and_guessing_ends(api):
    furnish(api, "ann")
    answer = erase(api, "ann", password="wrong-word-1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "credentials_wrong")
    for _ in range(7):
        erase(api, "ann", password="wrong-word-1")
    assert erase(api, "ann").status_code == 429
    assert count(api, "studies", "ann") == count(api, "consultations", "ann") == count(api, "comments", "ann") == 1
    assert api.client.request("DELETE", OWN, json={"password": PASSWORD}).status_code == 401
    assert api.client.request("DELETE", OWN, headers=api.as_("bo"), json={}).status_code == 422


def test_patients_records_are_not_for_the_clinician_to_erase(api):
    furnish(api, "doc")
    assert erase(api, "doc").json()["error"]["code"] == "records_of_patients"
    path = f"/api/v1/accounts/{account_id(api, 'doc')}/data"
    for who in ("ann", "doc"):
        assert erase(api, who, path).status_code == 403
    assert count(api, "studies", "doc") == 1
    assert erase(api, "boss", path, "wrong-word-1").status_code == 422
    assert erase(api, "boss", path).json()["studies"] == 1
    assert erase(api, "boss", "/api/v1/accounts/nobody/data").status_code == 404


def test_a_request_for_deletion_is_done_with_when_an_admin_erases(api):
    api.client.put("/api/v1/accounts/me/deletion", headers=api.as_("ann"))
    path = f"/api/v1/accounts/{account_id(api, 'ann')}"
    assert api.client.get(path, headers=api.as_("boss")).json()["deletionAskedAt"]
    assert erase(api, "boss", f"{path}/data").json() == {"studies": 0, "consultations": 0, "comments": 0}
    assert api.client.get(path, headers=api.as_("boss")).json()["deletionAskedAt"] is None


def test_a_study_that_is_erased_while_it_is_segmented_leaves_no_file(api, monkeypatch):
    from appliance.studies import segment

    api.upload("ann", ("eye.png", encoded(phantom())))
    drawn = segment.process

    def erased_meanwhile(*given):
        assert erase(api, "ann").status_code == 200
        return drawn(*given)

    monkeypatch.setattr(segment, "process", erased_meanwhile)
    assert api.work() == 1
    assert len(api.stored_files()) > 0
    leftovers.sweep(api.database, api.storage)
    assert [path for path in api.settings.files_dir.rglob("*") if path.is_file()] == []
