"""Who sees a study, and what is left behind in the audit log."""

import pytest

from appliance import audit
from appliance.database import rows
from appliance.errors import OutOfSpace
from support.images import encoded, phantom


@pytest.fixture
def study_id(api) -> str:
    study_id = api.upload("ann", ("a.png", encoded(phantom()))).json()["id"]
    api.work()
    return study_id


@pytest.mark.parametrize(("name", "status"), [("ann", 200), ("bo", 404), ("doc", 200), ("boss", 200)])
@pytest.mark.parametrize("path", ["", "/images/0/overlay", "/images/0/source"])
def test_own_study_or_none(api, study_id, name, status, path):
    answer = api.client.get(f"/api/v1/studies/{study_id}{path}", headers=api.as_(name))
    assert answer.status_code == status
    if status == 404:
        assert answer.json()["error"]["code"] == "study_not_found"


def test_no_login(api, study_id):
    api.client.cookies.clear()
    for path in ("", "/images/0/overlay"):
        answer = api.client.get(f"/api/v1/studies/{study_id}{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")


def test_each_reading_leaves_an_audit_row(api, study_id):
    api.client.get(f"/api/v1/studies/{study_id}", headers=api.as_("doc"))
    api.client.get(f"/api/v1/studies/{study_id}/images/0/mask", headers=api.as_("doc"))
    actions = api.database.read(lambda db: rows(db, "SELECT action FROM audit_rows WHERE subject = ?", study_id))
    assert [row["action"] for row in actions] == ["study.create", "study.read", "study.read_mask"]


def fill_disk(api, subject: str, actions: tuple[str, ...]) -> None:
    """Let the database grow no more, and fill what room it has until not one of these rows finds any."""

    def stop_growing(db):
        pages = db.conn.execute("PRAGMA page_count").fetchone()[0]
        db.conn.execute(f"PRAGMA max_page_count = {pages}")

    def fits(action: str) -> bool:
        try:
            api.database.write(lambda db: audit.record(db, None, action, subject))
            return True
        except OutOfSpace:
            return False

    api.database.write(stop_growing)
    while any([fits(action) for action in actions]):
        pass


def test_a_full_disk_keeps_nobody_from_their_own_results(api, study_id, caplog):
    """What is another's, and what is taken along, still needs its row in the audit log first."""
    asked = {"url": "/api/v1/consultations", "headers": api.as_("ann"), "json": {"question": "头疼怎么办"}}
    consultation = api.client.post(**asked).json()["id"]
    fill_disk(api, study_id, ("a", "study.list", "study.read", "consultation.list", "account.export_own"))
    for path in (
        f"studies/{study_id}",
        f"studies/{study_id}/images/0/overlay",
        f"studies/{study_id}/images/0/corrections",
        "studies",
        f"consultations/{consultation}",
        "consultations",
    ):
        assert api.client.get(f"/api/v1/{path}", headers=api.as_("ann")).status_code == 200, path
    assert f"disk full, not in the audit log: study.read {study_id}" in caplog.text
    for name, path in (("doc", f"studies/{study_id}"), ("ann", "consultations/export"), ("ann", "accounts/me/export")):
        answer = api.client.get(f"/api/v1/{path}", headers=api.as_(name))
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full"), path


@pytest.mark.parametrize("path", ["/images/7/overlay", "/images/0/secret", "/images/0/..%2f..%2fetc"])
def test_a_part_that_is_not_there(api, study_id, path):
    answer = api.client.get(f"/api/v1/studies/{study_id}{path}", headers=api.as_("ann"))
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]


def test_list_is_paged_and_own(api):
    for _ in range(23):
        api.upload("ann", ("a.png", encoded(phantom()[:300, :300])))
    first = api.client.get("/api/v1/studies", headers=api.as_("ann")).json()
    rest = api.client.get("/api/v1/studies", headers=api.as_("ann"), params={"before": first["next"]}).json()
    ids = [study["id"] for study in first["items"] + rest["items"]]
    assert len(ids) == len(set(ids)) == 23
    assert rest["next"] is None
    assert api.client.get("/api/v1/studies", headers=api.as_("doc")).json()["items"] == []
