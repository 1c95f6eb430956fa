"""A box of before the admin's lists: what its rows hold is filled in by the migration, and kept by triggers."""

from appliance.consultations.questions import Wanted
from appliance.database import Database, row
from appliance.migrations import migrate, migrations

STUDIES = (("old-ok", "succeeded", "ok"), ("old-refused", "succeeded", "refused"), ("old-failed", "failed", None))


def old_box(path) -> Database:
    database = Database(path)
    database.write(lambda db: migrations.apply(db, stop_before="m016_releases"))

    def fill(db):
        at, later = "2026-11-01T08:00:00.000Z", "2026-11-01T08:00:02.500Z"
        account = {"id": "a", "username": "ann", "role": "user", "password_hash": "x", "created_at": at}
        db.table("accounts").insert(account)
        for key, state, quality in STUDIES:
            study = {"id": key, "account_id": "a", "organ": "retina", "source": "upload", "created_at": at}
            db.table("studies").insert({**study, "release": '{"version":"2.0.0"}'})
            image = {"id": key, "study_id": key, "position": 0, "name": "", "media_type": "image/png", "width_px": 1}
            told = f'{{"status":"{quality}"}}' if quality else None
            db.table("images").insert({**image, "height_px": 1, "source_sha256": "x", "quality": told})
            job = {"id": key, "kind": "segment", "subject_id": key, "state": state, "created_at": at}
            db.table("jobs").insert({**job, "finished_at": later})
        db.table("consultations").insert({"id": "c", "account_id": "a", "created_at": at})
        for position, role, text in ((0, "user", "头疼怎么办"), (1, "assistant", "休息")):
            message = {"id": f"m{position}", "consultation_id": "c", "position": position, "role": role, "text": text}
            facts = {"triage": '{"level":"urgent"}', "source": "local", "timings_ms": '{"total":1200.5}'}
            db.table("messages").insert({**message, "created_at": at, **(facts if position else {})})

    database.write(fill)
    return database


def test_old_rows_get_what_lists_filter_by(tmp_path):
    database = old_box(tmp_path / "old.db")
    migrate(database)
    told = {
        each["id"]: each["status"]
        for each in database.read(lambda db: list(db.query("SELECT id, status FROM studies")))
    }
    assert told == {"old-ok": "succeeded", "old-refused": "refused", "old-failed": "failed"}
    study = database.read(lambda db: row(db, "SELECT * FROM studies WHERE id = 'old-ok'"))
    assert study["version"] == "2.0.0" and abs(study["total_ms"] - 2500) < 5
    asked = database.read(lambda db: row(db, "SELECT * FROM consultations"))
    assert (asked["question"], asked["source"], asked["level"]) == ("头疼怎么办", "local", "urgent")
    assert asked["total_ms"] == 1200.5
    found = "SELECT c.id FROM question_index i JOIN consultations c ON c.number = i.rowid WHERE question_index MATCH ?"
    for words in ('"头疼"', '"疼怎 怎么"', '"办"'):
        assert database.read(lambda db, words=words: row(db, found, words)) == {"id": "c"}, words
    asker = database.read(lambda db: row(db, "SELECT account_id FROM consultations"))["account_id"]
    for whose, expected in ((asker, {"id": "c"}), ("nobody", None)):
        words = Wanted.of("头疼").indexed_of(whose)
        assert database.read(lambda db, words=words: row(db, found, words)) == expected, whose
    database.close()
