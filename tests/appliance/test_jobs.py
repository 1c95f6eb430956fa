"""Jobs: claimed once, kept by heartbeat, taken back when a worker dies, given up after the cap, ended once."""

import threading

import pytest

from appliance import clock, jobs
from appliance.database import Database, row
from appliance.errors import Conflict

LEASE_S, ATTEMPTS = 5.0, 3


def state(database: Database, job_id: str) -> str:
    return database.read(lambda db: row(db, "SELECT state FROM jobs WHERE id = ?", job_id))["state"]


def enqueue(database: Database) -> str:
    return database.write(lambda db: jobs.enqueue(db, "segment", "study"))


def claim(database: Database) -> jobs.Job | None:
    return database.write(lambda db: jobs.claim(db, LEASE_S, ATTEMPTS, ("segment",)))


@pytest.fixture
def later(monkeypatch):
    """Let seconds pass on the machine's own clock."""
    passed = [0.0]
    monkeypatch.setattr(jobs, "boot_seconds", lambda: clock.boot_seconds() + passed[0])
    return lambda seconds: passed.__setitem__(0, passed[0] + seconds)


def test_oldest_first_and_each_once(database):
    first, second = enqueue(database), enqueue(database)
    assert [claim(database).id, claim(database).id] == [first, second]
    assert claim(database) is None


def test_two_workers_never_get_the_same_job(database, settings):
    for _ in range(40):
        enqueue(database)
    taken: list[str] = []

    def work() -> None:
        own = Database(settings.database_path)
        while job := claim(own):
            taken.append(job.id)
        own.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40


def test_a_dead_workers_job_waits_again_and_its_late_result_is_dropped(database, later):
    enqueue(database)
    dead = claim(database)
    later(LEASE_S + 1)
    alive = claim(database)
    assert (alive.id, alive.attempts) == (dead.id, 2)
    with pytest.raises(jobs.LeaseLost):
        database.write(lambda db: jobs.finish(db, dead))
    database.write(lambda db: jobs.finish(db, alive))
    assert state(database, alive.id) == jobs.SUCCEEDED


def test_heartbeat_keeps_the_lease(database, later):
    enqueue(database)
    job = claim(database)
    for _ in range(3):
        later(LEASE_S - 1)
        database.write(lambda db: jobs.heartbeat(db, job, LEASE_S))
    assert claim(database) is None
    database.write(lambda db: jobs.finish(db, job))


def test_reboot_ends_every_lease(database, monkeypatch):
    enqueue(database)
    claim(database)
    monkeypatch.setattr(jobs, "boot_id", lambda: "another boot")
    assert claim(database).attempts == 2


def test_a_wrong_clock_ends_no_lease(database, monkeypatch):
    enqueue(database)
    claim(database)
    monkeypatch.setattr(jobs, "utc_now", lambda: "2099-01-01T00:00:00.000Z")
    assert claim(database) is None


def test_given_up_after_the_cap_with_a_sentence(database, later):
    job_id = enqueue(database)
    for _ in range(ATTEMPTS):
        assert claim(database).id == job_id
        later(LEASE_S + 1)
    assert claim(database) is None
    found = database.read(lambda db: row(db, "SELECT * FROM jobs WHERE id = ?", job_id))
    assert (found["state"], found["error_code"]) == (jobs.FAILED, "job_crashed")
    assert "原图" in found["error_message"]


def test_handing_back_costs_no_attempt(database):
    enqueue(database)
    job = claim(database)
    database.write(lambda db: jobs.hand_back(db, job))
    assert claim(database).attempts == 1


def test_a_result_is_kept_with_the_jobs_end_or_not_at_all(database):
    enqueue(database)
    job = claim(database)

    def keep_and_break(db):
        jobs.finish(db, job)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        database.write(keep_and_break)
    assert state(database, job.id) == jobs.RUNNING


@pytest.mark.parametrize("event", ["finish", "fail", "hand back"])
@pytest.mark.parametrize("ended", jobs.ENDED)
def test_what_ended_stays_ended(event, ended):
    assert (event, ended) not in jobs.TRANSITIONS


def test_an_unknown_step_raises(database):
    job_id = enqueue(database)
    with pytest.raises(Conflict):
        database.write(lambda db: jobs._move(db, job_id, "finish", jobs.QUEUED))
