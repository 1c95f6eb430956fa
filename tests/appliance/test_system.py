"""Jobs, audit log, settings at run time, backups, sign-off, language models: what an admin runs the box by."""

import tarfile
import time
from datetime import timedelta

import pytest

from appliance import audit
from appliance.backup import BackupError
from appliance.backups import services as backups
from appliance.checks import backup as backup_check
from appliance.checks.check import Context
from appliance.clock import utc_ago
from appliance.database import row
from appliance.engines import Health
from appliance.overrides import services as overrides
from appliance.system import about, audit_log
from appliance.system.housekeeping import Housekeeping
from support.images import encoded, phantom

ADMIN_ONLY = (
    ("get", "/api/v1/jobs"),
    ("post", "/api/v1/jobs/retry"),
    ("post", "/api/v1/jobs/x/retry"),
    ("get", "/api/v1/audit"),
    ("get", "/api/v1/audit/export"),
    ("get", "/api/v1/settings"),
    ("patch", "/api/v1/settings"),
    ("get", "/api/v1/backups"),
    ("post", "/api/v1/backups"),
    ("post", "/api/v1/language-models/x/use"),
    ("get", "/api/v1/statistics"),
    ("get", "/api/v1/statistics/export"),
)


def test_a_failed_job_is_tried_anew(api):
    study = api.upload("ann", ("eye.png", encoded(phantom()))).json()["id"]
    original = next(path for path in api.stored_files() if path.parent.parent == api.settings.files_dir)
    hidden = original.with_suffix(".hidden")
    original.rename(hidden)
    api.work()
    found = api.client.get("/api/v1/jobs?status=failed", headers=api.as_("boss")).json()
    assert found["counts"] == {"failed": 1} and found["items"][0]["subjectId"] == study
    hidden.rename(original)
    job = found["items"][0]["id"]
    assert api.client.post(f"/api/v1/jobs/{job}/retry", headers=api.as_("boss")).status_code == 204
    assert api.client.post(f"/api/v1/jobs/{job}/retry", headers=api.as_("boss")).status_code == 409
    api.work()
    done = api.client.get(f"/api/v1/studies/{study}", headers=api.as_("ann")).json()
    assert (done["status"], done["error"]) == ("succeeded", None)
    assert api.client.post("/api/v1/jobs/retry", headers=api.as_("boss")).json() == {"jobs": 0}
    assert api.client.post("/api/v1/jobs/nope/retry", headers=api.as_("boss")).status_code == 404


def test_the_audit_log_is_searched_and_exported(api):
    api.client.get("/api/v1/studies", headers=api.as_("ann"))
    ask = {"url": "/api/v1/audit", "headers": api.as_("boss")}
    assert {line["username"] for line in api.client.get(**ask, params={"username": "ann"}).json()["items"]} == {"ann"}
    nouns = api.client.get(**ask, params={"action": "study"}).json()["items"]
    assert {line["action"] for line in nouns} == {"study.list"}
    assert api.client.get(**ask, params={"action": "study.list", "until": "2020-01-01"}).json()["items"] == []
    assert "study.list" in audit_log.actions(api.database)
    content = api.client.get("/api/v1/audit/export", headers=api.as_("boss")).text
    assert "session.create" in content and content.startswith("\ufeff时间")


def test_the_audit_log_pages_to_its_end(api, monkeypatch):
    monkeypatch.setattr(audit_log.lists, "PAGE", 3)
    seen, cursor = 0, None
    for _ in range(20):
        page = api.client.get(
            "/api/v1/audit",
            headers=api.as_("boss"),
            params={"action": "session", **({"before": cursor} if cursor else {})},
        )
        seen, cursor = seen + len(page.json()["items"]), page.json()["next"]
        if cursor is None:
            break
    assert seen == 4


def test_no_setting_makes_the_audit_log_shorter_than_180_days(api, set_clock, live):
    for day in (0, 10, 30, 99):
        set_clock(day)
        api.database.write(lambda db, day=day: audit.record(db, None, "old.row", str(day)))
    live(194)
    audit_log.purge(api.database, 1)
    left = api.database.read(
        lambda db: [r["subject"] for r in db.query("SELECT subject FROM audit_rows WHERE action = 'old.row'")]
    )
    assert left == ["30", "99"]
    set_clock(0)
    short = api.client.patch("/api/v1/settings", headers=api.as_("boss"), json={"audit_days": 90})
    assert short.status_code == 422 and "180" in short.json()["error"]["message"]


def test_settings_change_at_run_time_all_or_none(api):
    change = {"url": "/api/v1/settings", "headers": api.as_("boss")}
    told = api.client.patch(**change, json={"hospital_name": " <b>青山</b>卫生院 ", "consultation_days": 90}).json()
    values = {each["name"]: (each["value"], each["changed"]) for each in told}
    assert values["hospital_name"] == ("<b>青山</b>卫生院", True) and values["consultation_days"] == (90, True)
    assert values["backup_days"] == (7, False)
    for bad in (
        {"consultation_days": -1, "hospital_name": "x"},
        {"consultation_days": "many"},
        {"port": 1},
        {"admin_password": "x"},
        {"fallback.url": "ftp://x/v1"},
        {"hospital_name": "长" * 41},
        {"hospital_name": 3},
    ):
        assert api.client.patch(**change, json=bad).status_code == 422, bad
    assert overrides.current(api.database, api.settings).hospital_name == "<b>青山</b>卫生院"
    api.client.patch(**change, json={"hospital_name": None})
    assert overrides.current(api.database, api.settings).hospital_name == ""


def test_a_secret_is_kept_but_never_told(api):
    change = {"url": "/api/v1/settings", "headers": api.as_("boss")}
    answer = api.client.patch(**change, json={"fallback.key": "sk-secret", "fallback.url": "http://127.0.0.1:9/v1"})
    assert "sk-secret" not in answer.text
    fallback = overrides.current(api.database, api.settings).fallback
    assert (fallback.key, fallback.url) == ("sk-secret", "http://127.0.0.1:9/v1")
    asked = api.client.post("/api/v1/consultations", headers=api.as_("ann"), json={"question": "头疼怎么办"})
    assert asked.status_code == 201
    assert api.engines.fallback.host == "127.0.0.1:9" or "127.0.0.1" in api.engines.fallback.host


def test_a_backup_from_the_page_is_whole_and_told(api):
    api.upload("ann", ("eye.png", encoded(phantom())))
    context = Context(api.settings, api.database, Health("off", ""))
    assert backup_check.check(context).status == "ok"
    api.database.write(lambda db: db.execute("UPDATE accounts SET created_at = '2020-01-01T00:00:00.000Z'"))
    assert "从未备份" in backup_check.check(context).message_zh
    assert api.client.post("/api/v1/backups", headers=api.as_("boss")).status_code == 202
    until = time.monotonic() + 60
    while (last := api.client.get("/api/v1/backups", headers=api.as_("boss")).json()[0])["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert last["state"] == "succeeded", last
    with tarfile.open(last["path"]) as archive:
        assert "xiangyi.db" in archive.getnames() and last["files"] == len(archive.getnames()) - 1
    assert backup_check.check(context).status == "ok"
    api.database.write(lambda db: db.execute("UPDATE backups SET started_at = ?", [utc_ago(timedelta(days=8))]))
    assert backup_check.check(context).status == "warning"


def test_old_backups_are_deleted_but_never_the_newest_good_one(api, tmp_path):
    def remove(backup_id: str, who: str = "boss"):
        return api.client.delete(f"/api/v1/backups/{backup_id}", headers=api.as_(who))

    for name in ("old", "new"):
        api.settings.backups_dir.mkdir(exist_ok=True)
        backups.run_now(api.database, api.settings, api.settings.backups_dir / f"{name}.tar")
    backups.run_now(api.database, api.settings, tmp_path / "stick.tar")
    with pytest.raises(BackupError):
        backups.run_now(api.database, api.settings, tmp_path / "no" / "folder" / "x.tar")
    listed = api.client.get("/api/v1/backups", headers=api.as_("boss")).json()
    failed, stick, new, old = (each["id"] for each in listed)
    assert remove(old, "doc").status_code == 403
    assert remove(stick).json()["error"]["code"] == "backup_elsewhere" and (tmp_path / "stick.tar").exists()
    assert remove(old).status_code == remove(failed).status_code == 204
    assert [path.name for path in api.settings.backups_dir.iterdir()] == ["new.tar"]
    (tmp_path / "stick.tar").unlink()
    assert remove(stick).status_code == 204, "a file that is gone leaves a row to tidy up"
    assert remove(new).json()["error"]["code"] == "backup_newest"
    assert remove("nope").status_code == 404


def test_headlines_are_switched_off_and_on_at_run_time(api):
    made = {"id": "a", "feed": "f", "title": "流感", "source": "健康报", "url": "https://news.example/1"}
    api.database.write(lambda db: db.table("headlines").insert({**made, "published_at": "2026-01-01T00:00:00.000Z"}))

    def told() -> tuple[int, bool]:
        page = api.client.get("/api/v1/headlines", headers=api.as_("ann")).json()
        return len(page["items"]), page["enabled"]

    assert told() == (1, True)
    for value, expected in ((False, (0, False)), (None, (1, True))):
        change = {"headlines.enabled": value}
        assert api.client.patch("/api/v1/settings", headers=api.as_("boss"), json=change).status_code == 200
        assert told() == expected
    assert (
        api.client.patch("/api/v1/settings", headers=api.as_("boss"), json={"headlines.enabled": "x"}).status_code
        == 422
    )


def test_one_backup_at_a_time_and_a_failed_one_says_why(api, tmp_path):
    with backups._alone(api.settings):
        busy = api.client.post("/api/v1/backups", headers=api.as_("boss"))
    assert busy.json()["error"]["code"] == "backup_running"
    with pytest.raises(Exception, match="无法写入"):
        backups.run_now(api.database, api.settings, tmp_path / "no" / "folder" / "x.tar")
    last = api.client.get("/api/v1/backups", headers=api.as_("boss")).json()[0]
    assert last["state"] == "failed" and "无法写入" in last["error"]


def test_a_signature_is_withdrawn(api):
    answer = api.client.post(
        "/api/v1/documents",
        headers=api.as_("boss"),
        files={"file": ("指南.txt", "发热要多喝水，注意休息，及时就医。".encode())},
    )
    document = f"/api/v1/documents/{answer.json()['id']}/review"
    assert api.client.post(document, headers=api.as_("doc")).json()["reviewedBy"] == "doc"
    assert api.client.delete(document, headers=api.as_("ann")).status_code == 403
    assert api.client.delete(document, headers=api.as_("doc")).json()["reviewedAt"] is None


def test_housekeeping_does_all_its_chores(api):
    api.upload("ann", ("eye.png", encoded(phantom())))
    Housekeeping(api.settings, api.database, api.storage).run()
    found = api.database.read(lambda db: row(db, "SELECT amount FROM statistics_days WHERE topic = 'storage'"))
    assert found["amount"] > 1000


def test_every_package_of_the_box_is_told_with_its_licence():
    found = {package.name.lower(): package for package in about.packages()}
    assert {"litestar", "openvino", "pillow", "jinja2"} <= set(found)
    assert "torch" not in found
    assert found["litestar"].licence.startswith("MIT")


@pytest.mark.parametrize("who", ["ann", "doc"])
def test_only_admins_run_the_box(api, who):
    for method, path in ADMIN_ONLY:
        body = {} if method == "patch" else None
        assert api.client.request(method, path, headers=api.as_(who), json=body).status_code == 403, path


def test_an_unknown_language_model_is_a_sentence(api):
    assert api.client.post("/api/v1/language-models/gpt-9/use", headers=api.as_("boss")).status_code == 404
