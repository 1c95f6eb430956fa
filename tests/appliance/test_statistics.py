"""Counts by day, live and rolled up, are what the rows say; percentiles are near the exact ones."""

import json
from datetime import date, datetime, timedelta

import pytest

from appliance.statistics import days, services
from support.rows import fill

TODAY = datetime.now().date()


def told(api, **query) -> dict:
    answer = api.client.get("/api/v1/statistics", headers=api.as_("boss"), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_empty_box_has_statistics(api):
    found = told(api)
    assert len(found["steps"]) == 30 and found["byStatus"] == {} and found["studyMs"]["p50"] is None
    assert found["storage"]["freeBytes"] > 0


def test_rolled_up_days_count_as_the_rows_do(api):
    fill(api.database, studies=2000, consultations=1000, days=40, until=TODAY)
    since = (TODAY - timedelta(days=39)).isoformat()
    live = {}
    for number in range(40):
        day = TODAY - timedelta(days=number)
        for key, amount in api.database.read(lambda db, day=day: days.count_day(db, day)).items():
            live[key] = live.get(key, 0) + amount
    found = told(api, since=since)
    assert sum(found["byOrgan"].values()) == 2000 and sum(found["bySource"].values()) == 1000
    assert found["byStatus"]["refused"] == live_of(live, "studies", "/refused")
    assert sum(value for series in found["studies"] for value in series["values"]) == 2000
    exact = sorted(
        api.database.read(
            lambda db: [
                r["total_ms"] for r in db.query("SELECT total_ms FROM studies WHERE status IN ('succeeded', 'refused')")
            ]
        )
    )
    assert found["studyMs"]["count"] == len(exact)
    for percent in (50, 95):
        assert found["studyMs"][f"p{percent}"] == pytest.approx(exact[len(exact) * percent // 100], rel=0.04)
    again = told(api, since=since)
    assert again | {"storage": None} == found | {"storage": None}
    counted = api.database.read(
        lambda db: db.execute("SELECT count(*) FROM statistics_days WHERE topic = 'counted'").fetchone()[0]
    )
    assert counted >= 37


def live_of(counts: dict, topic: str, tail: str) -> int:
    return sum(amount for (of, key), amount in counts.items() if of == topic and key.endswith(tail))


def test_what_was_counted_outlives_its_rows(api):
    fill(api.database, studies=100, consultations=0, days=10, until=TODAY - timedelta(days=5))
    before = told(api)["byOrgan"]
    api.database.write(lambda db: db.execute("DELETE FROM studies"))
    assert told(api)["byOrgan"] == before != {}


def test_a_day_that_a_clock_ahead_counted_goes_on_when_the_clock_is_right_again(api):
    def use(seed):
        fill(api.database, studies=60, consultations=0, days=3, until=TODAY, seed=seed)

    use(seed=1)
    days.roll_up(api.database, TODAY + timedelta(days=9))
    use(seed=2)
    told_of = told(api, since=(TODAY - timedelta(days=2)).isoformat())
    by_day = [sum(series["values"][number] for series in told_of["studies"]) for number in range(3)]
    assert by_day == [20, 40, 40], "a day that was over stays as it was counted"


def test_long_ranges_are_told_by_week_and_month(api):
    assert told(api, since=(TODAY - timedelta(days=89)).isoformat())["stepDays"] == 7
    assert told(api, since=(TODAY - timedelta(days=999)).isoformat())["stepDays"] == 30
    for bad in ({"since": "2026-13-01"}, {"since": "2027-01-02", "until": "2027-01-01"}, {"since": "1900-01-01"}):
        assert api.client.get("/api/v1/statistics", headers=api.as_("boss"), params=bad).status_code == 422


def test_corrections_are_counted_for_the_release_that_was_corrected(api):
    fill(api.database, studies=3, consultations=0, days=1, until=TODAY, images=True)

    def correct(db):
        found = next(
            db.query("SELECT i.id, s.created_at, s.account_id FROM images i JOIN studies s ON s.id = i.study_id")
        )
        for number, deleted_at in enumerate((None, found["created_at"])):
            row = {"id": str(number), "image_id": found["id"], "number": number, "account_id": found["account_id"]}
            times = {"created_at": found["created_at"], "deleted_at": deleted_at}
            db.table("corrections").insert({**row, **times, "drawn_sha256": "x"})

    api.database.write(correct)
    found = told(api)["corrections"]
    assert sum(found.values()) == 1, json.dumps(found)


def test_the_export_names_no_account(api):
    fill(api.database, studies=50, consultations=20, days=3, until=TODAY)
    text = api.client.get("/api/v1/statistics/export", headers=api.as_("boss")).text
    assert "active_accounts" in text and "study_ms,p95" in text
    assert not any(name in text for name in ("ann", "boss"))


def test_days_begin_at_local_midnight():
    start, end = days.bounds(date(2026, 11, 25))
    assert datetime.fromisoformat(start).astimezone().strftime("%Y-%m-%d %H:%M") == "2026-11-25 00:00"
    assert datetime.fromisoformat(end) - datetime.fromisoformat(start) == timedelta(days=1)
    assert services._step_days(30) == 1
