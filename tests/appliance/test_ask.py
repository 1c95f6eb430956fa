"""What a question gets when the box itself is in trouble."""

import sqlite3

import pytest

from appliance.consultations import records

ASK = "/api/v1/consultations"
HEART = "我爸胸口疼得冒冷汗，左胳膊也麻"


@pytest.fixture
def full(api, monkeypatch):
    """The API, when SQLite finds no room for one more consultation."""

    def insert(*_):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(records, "insert", insert)
    return api


def test_a_full_disk_keeps_the_advice_on_a_red_flag_from_nobody(full):
    answer = full.client.post(ASK, headers=full.as_("ann"), json={"question": HEART})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (507, "disk_full")
    assert "120" in error["message"] and "磁盘" in error["message"]
    assert (error["detail"]["triage"]["level"], error["detail"]["triage"]["rule"]) == ("emergency", "chest_pain")

    stream = full.client.post(ASK, headers={**full.as_("ann"), "Accept": "text/event-stream"}, json={"question": HEART})
    events = [line.split(": ", 1)[1] for line in stream.text.splitlines() if line.startswith("event")]
    assert (events[0], events[-1]) == ("triage", "error")


def test_without_a_red_flag_a_full_disk_only_says_so(full):
    answer = full.client.post(ASK, headers=full.as_("ann"), json={"question": "高血压平时吃什么好"})
    assert (answer.status_code, answer.json()["error"]["detail"]) == (507, {})
