"""An admin's lists of everyone's studies and consultations: filters, paging, export, delete with undo, purge."""

import csv
import io
from datetime import timedelta

import pytest

from appliance import leftovers, lists
from appliance.clock import utc_ago
from appliance.consultations import everyones as consultations
from appliance.database import row, rows
from appliance.knowledge.services import bring_up_to_date
from appliance.studies import everyones as studies
from support.images import encoded, phantom

STUDIES, CONSULTATIONS = "/api/v1/admin/studies", "/api/v1/admin/consultations"


def submit(api, who: str = "ann", organ: str = "retina") -> str:
    return api.upload(who, ("eye.png", encoded(phantom())), organ=organ).json()["id"]


def ask(api, question: str, who: str = "ann") -> str:
    answer = api.client.post("/api/v1/consultations", headers=api.as_(who), json={"question": question})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def listed(api, path: str, **query) -> list[str]:
    answer = api.client.get(path, headers=api.as_("boss"), params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_studies_are_filtered_by_what_the_row_says(api):
    eye, other = submit(api), submit(api, "bo")
    wrong = submit(api, organ="chest")
    api.work()
    queued = submit(api, "bo")
    assert listed(api, STUDIES) == [queued, wrong, other, eye]
    assert listed(api, STUDIES, username="bo") == [queued, other]
    assert listed(api, STUDIES, status="refused") == [wrong]
    assert listed(api, STUDIES, status="queued") == [queued]
    assert listed(api, STUDIES, organ="retina", status="succeeded", username="ann") == [eye]
    version = studies.versions(api.database)
    assert set(listed(api, STUDIES, version=version[-1])) == {eye, other}
    assert listed(api, STUDIES, since="2999-01-01") == []
    assert listed(api, STUDIES, username="nobody") == []
    item = api.client.get(STUDIES, headers=api.as_("boss")).json()["items"][-1]
    assert item["totalMs"] > 0 and item["images"] == 1


def test_pages_follow_each_other_without_gaps_even_within_one_moment(api, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 2)
    made = [submit(api) for _ in range(5)]
    api.database.write(lambda db: db.execute("UPDATE studies SET created_at = '2026-11-01T00:00:00.000Z'"))
    seen, cursor = [], None
    for _ in range(3):
        page = api.client.get(STUDIES, headers=api.as_("boss"), params={"before": cursor} if cursor else {}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        assert page["total"] == 5
    assert seen == made[::-1] and cursor is None


def test_a_deleted_study_is_gone_for_all_until_it_is_brought_back(api):
    study = submit(api)
    api.work()
    assert api.client.delete(f"{STUDIES}/{study}", headers=api.as_("boss")).status_code == 204
    assert api.client.delete(f"{STUDIES}/{study}", headers=api.as_("boss")).status_code == 404
    assert api.client.get(f"/api/v1/studies/{study}", headers=api.as_("ann")).status_code == 404
    assert api.client.get(f"/api/v1/studies/{study}/images/0/mask", headers=api.as_("boss")).status_code == 404
    assert listed(api, STUDIES) == [] and listed(api, STUDIES, deleted="true") == [study]
    assert api.client.post(f"{STUDIES}/{study}/restore", headers=api.as_("boss")).status_code == 204
    assert api.client.get(f"/api/v1/studies/{study}", headers=api.as_("ann")).json()["status"] == "succeeded"


def test_a_purge_takes_only_files_that_nothing_else_names(api, monkeypatch, set_clock, live):
    kept, gone = submit(api), submit(api, organ="chest")
    api.work()
    shared = api.database.read(lambda db: row(db, "SELECT source_sha256 FROM images WHERE study_id = ?", gone))
    before = len(api.stored_files())
    api.client.delete(f"{STUDIES}/{gone}", headers=api.as_("boss"))
    assert studies.purge(api.database) == 0
    live(25)
    monkeypatch.setattr(leftovers, "FRESH_S", -1)
    assert studies.purge(api.database) == 1
    set_clock(0)
    assert leftovers.sweep(api.database, api.storage) == 0, "the other has the same original and view"
    assert api.storage.path(shared["source_sha256"]).exists(), "the other study has the same original"
    assert len(api.stored_files()) <= before
    assert api.client.get(f"/api/v1/studies/{kept}/images/0/source", headers=api.as_("ann")).status_code == 200
    assert listed(api, STUDIES, deleted="true") == []
    api.client.delete(f"{STUDIES}/{kept}", headers=api.as_("boss"))
    live(56)
    assert studies.purge(api.database) == 1
    leftovers.sweep(api.database, api.storage)
    assert api.stored_files() == [api.settings.database_path] or not list(api.settings.files_dir.glob("??/*"))


def test_fresh_files_stay_for_a_while_when_a_study_is_purged(api, monkeypatch, live):
    study = submit(api)
    source = api.database.read(lambda db: row(db, "SELECT source_sha256 FROM images"))["source_sha256"]
    assert api.client.delete(f"{STUDIES}/{study}", headers=api.as_("boss")).status_code == 204
    live(25)
    assert studies.purge(api.database) == 1
    assert leftovers.sweep(api.database, api.storage) == 0
    assert api.storage.path(source).exists(), "someone may be about to commit a row that names it"
    monkeypatch.setattr(leftovers, "FRESH_S", -1)
    assert leftovers.sweep(api.database, api.storage) == 1, "it was not forgotten"
    assert not api.storage.path(source).exists()


def test_consultations_are_filtered_and_exported(api):
    bring_up_to_date(api.database)
    plain = ask(api, "高血压平时怎么吃 100%")
    urgent = ask(api, "我爸突然口角歪斜，说话不清", "bo")
    assert listed(api, CONSULTATIONS) == [urgent, plain]
    assert listed(api, CONSULTATIONS, q="口角歪斜") == [urgent]
    assert listed(api, CONSULTATIONS, q="100%") == [plain]
    for words in ("口", "口角", "爸 口角歪", "斜，说话", "清"):
        assert listed(api, CONSULTATIONS, q=words) == [urgent], words
    for words in ("口歪", "爸 高血压", "角歪。", '" OR "', "question:口角", "🙂 发热"):
        assert listed(api, CONSULTATIONS, q=words) == [], words
    for words in ("%", '"', "？ 。", "🙂"):
        assert listed(api, CONSULTATIONS, q=words) == [urgent, plain], "punctuation asks for nothing"
    assert listed(api, CONSULTATIONS, level="emergency") == [urgent]
    assert listed(api, CONSULTATIONS, source="passages") == [plain]
    assert listed(api, CONSULTATIONS, username="bo", level="routine") == []
    exported = api.client.get(f"{CONSULTATIONS}/export?kind=json", headers=api.as_("boss")).json()
    assert "120" in exported[0]["answer"]


def test_a_formula_in_a_question_does_not_run_in_a_spreadsheet(api):
    ask(api, '=HYPERLINK("http://evil/","x") 头疼')
    content = api.client.get(f"{CONSULTATIONS}/export", headers=api.as_("boss")).content
    assert content.startswith(b"\xef\xbb\xbf")
    cells = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert cells[1][3].startswith("'=HYPERLINK")


def test_a_deleted_consultation_comes_back_or_is_purged(api, set_clock, live):
    first, second = ask(api, "头疼怎么办"), ask(api, "感冒怎么办")
    assert api.client.delete(f"{CONSULTATIONS}/{first}", headers=api.as_("boss")).status_code == 204
    assert api.client.get(f"/api/v1/consultations/{first}", headers=api.as_("ann")).status_code == 404
    own = api.client.get("/api/v1/consultations", headers=api.as_("ann")).json()["items"]
    assert [item["id"] for item in own] == [second]
    assert api.client.post(f"{CONSULTATIONS}/{first}/restore", headers=api.as_("boss")).status_code == 204
    assert set(listed(api, CONSULTATIONS)) == {first, second}
    later = utc_ago(timedelta(days=-20))
    api.database.write(lambda db: db.execute("UPDATE consultations SET created_at = ? WHERE id = ?", [later, second]))
    live(25)
    assert consultations.purge(api.database, 0) == 0
    assert consultations.purge(api.database, 30) == 1
    set_clock(0)
    assert listed(api, CONSULTATIONS) == [second]
    indexed = "SELECT rowid FROM question_index WHERE question_index MATCH ?"
    assert len(api.database.read(lambda db: rows(db, indexed, "感冒"))) == 1
    assert api.database.read(lambda db: rows(db, indexed, "头疼")) == [], "its index row must go with it"


def test_pages_of_a_search_follow_each_other(api, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 2)
    made = [ask(api, f"{number} 号咳嗽") for number in range(5)]
    ask(api, "头疼")
    seen, cursor = [], None
    for _ in range(3):
        query = {"q": "咳嗽", **({"before": cursor} if cursor else {})}
        page = api.client.get(CONSULTATIONS, headers=api.as_("boss"), params=query).json()
        assert page["total"] == 5
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert (seen, cursor) == (made[::-1], None)


def test_own_questions_are_searched_without_those_of_others(api):
    mine = ask(api, "孩子咳嗽 CT检查")
    ask(api, "我也咳嗽", "bo")
    for words, found in (("咳嗽", [mine]), ("孩 ct", [mine]), ("发热", []), ("", [mine])):
        answer = api.client.get("/api/v1/consultations", headers=api.as_("ann"), params={"q": words}).json()
        assert [item["id"] for item in answer["items"]] == found, words


def test_pages_of_an_own_search_follow_each_other_without_what_was_deleted(api, monkeypatch):
    monkeypatch.setattr("appliance.consultations.services.PAGE", 2)
    made = [ask(api, f"{number} 号咳嗽") for number in range(4)]
    assert api.client.delete(f"{CONSULTATIONS}/{made.pop(1)}", headers=api.as_("boss")).status_code == 204
    seen, query = [], {"q": "咳嗽"}
    while query:
        page = api.client.get("/api/v1/consultations", headers=api.as_("ann"), params=query).json()
        seen += [item["id"] for item in page["items"]]
        query = {"q": "咳嗽", "before": page["next"]} if page["next"] else {}
    assert seen == made[::-1]


@pytest.mark.parametrize("path", [STUDIES, CONSULTATIONS])
def test_only_admins_may_and_nonsense_is_refused(api, path):
    for who in ("ann", "doc"):
        for method, tail in (("get", ""), ("get", "/export"), ("delete", "/x"), ("post", "/x/restore")):
            assert api.client.request(method, path + tail, headers=api.as_(who)).status_code == 403
    for query in ({"since": "yesterday"}, {"before": "x~y"}, {"before": "~"}, {"until": "9999-99-99"}):
        assert api.client.get(path, headers=api.as_("boss"), params=query).status_code == 422, query
    assert api.client.post(f"{path}/nope/restore", headers=api.as_("boss")).status_code == 404
