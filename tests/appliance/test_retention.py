"""What a wrong clock must not purge: a dead battery that starts the box years behind, a hand that sets it ahead."""

from datetime import UTC, datetime

from appliance.checks import clock as check
from appliance.checks.check import Context
from appliance.clock import utc_now
from appliance.consultations import everyones as consultations
from appliance.database import row, rows
from appliance.engines import Health
from appliance.retention import AGREED_DAYS, is_believable
from appliance.start import prepare
from appliance.studies import everyones as studies
from appliance.system import audit_log
from appliance.system.housekeeping import Housekeeping
from support.images import encoded, phantom

TO_2020 = (datetime(2020, 1, 1, tzinfo=UTC) - datetime.now(UTC)).days
STUDIES = "/api/v1/admin/studies"


def days(database) -> list[int]:
    found = database.read(lambda db: rows(db, "SELECT subject FROM audit_rows WHERE action = 'day.used' ORDER BY id"))
    return [int(each["subject"]) for each in found]


def status(settings, database) -> tuple[str, str]:
    told = check.check(Context(settings, database, Health("off", "")))
    return told.status, told.message_zh


def test_a_clock_set_ahead_purges_nothing_before_someone_could_notice(api, live):
    study = api.upload("ann", ("eye.png", encoded(phantom()))).json()["id"]
    api.client.delete(f"{STUDIES}/{study}", headers=api.as_("boss"))
    live(0, 20)
    assert status(api.settings, api.database)[0] == "ok"
    for day in range(AGREED_DAYS - 1):
        live(3650 + day, 1)
        Housekeeping(api.settings, api.database, api.storage).run()
        prepare(api.settings)
        assert "3631 天没有记录" in status(api.settings, api.database)[1]
    assert days(api.database)[:20] == list(range(20))
    assert api.database.read(lambda db: row(db, "SELECT 1 FROM studies WHERE id = ?", study))


def test_a_clock_that_was_put_right_is_believed_after_some_days(settings, database, live):
    """Rows dated years ahead must not keep the purge off for years."""
    live(0, 20)
    live(3650, 3)
    live(23, 1)
    assert status(settings, database) == ("warning", status(settings, database)[1])
    assert not database.read(is_believable)
    live(24, AGREED_DAYS - 1)
    assert database.read(is_believable) and status(settings, database)[0] == "ok"
    live(31, 400)
    audit_log.purge(database, 365)
    assert days(database)[0] == 431 - 365, "those that were written ahead went with their neighbours"


def test_a_new_box_and_one_in_daily_use_are_not_told_off(settings, database, live):
    assert status(settings, database)[0] == "ok"
    live(0, 40)
    assert status(settings, database)[0] == "ok" and database.read(is_believable)
    live(50, 1)
    assert status(settings, database)[0] == "ok", "a holiday is no jump"


def test_what_was_written_under_a_dead_battery_is_as_old_as_its_neighbours(database, live):
    live(TO_2020, 3)
    live(0, 20)
    live(TO_2020, 3)
    live(25, 14)
    assert database.read(is_believable)
    audit_log.purge(database, 365)
    assert len(days(database)) == 3 + 20 + 3 + 14
    live(385, 14)
    audit_log.purge(database, 365)
    assert days(database) == [*range(34, 39), *range(385, 399)]


def test_consultations_and_deletions_of_2020_stay_as_long_as_others(api, live, set_clock):
    study = api.upload("ann", ("eye.png", encoded(phantom()))).json()["id"]
    ask = {"url": "/api/v1/consultations", "headers": api.as_("ann"), "json": {"question": "头疼怎么办"}}
    asked = api.client.post(**ask).json()["id"]
    live(0, 1)
    api.client.delete(f"{STUDIES}/{study}", headers=api.as_("boss"))
    set_clock(TO_2020)
    wrong = utc_now()
    api.database.write(lambda db: db.execute("UPDATE studies SET deleted_at = ?", [wrong]))
    api.database.write(lambda db: db.execute("UPDATE consultations SET created_at = ?", [wrong]))
    api.database.write(
        lambda db: db.execute("UPDATE audit_rows SET at = ? WHERE subject IN (?, ?)", [wrong, study, asked])
    )
    set_clock(0)
    api.client.patch("/api/v1/settings", headers=api.as_("boss"), json={"consultation_days": 30})
    api.client.post(**ask)
    live(1, 20)
    assert studies.purge(api.database) == 0 and consultations.purge(api.database, 30) == 0
    assert api.database.read(lambda db: row(db, "SELECT 1 FROM consultations WHERE id = ?", asked))
    live(40)
    assert studies.purge(api.database) == 1 and consultations.purge(api.database, 30) == 2
