"""Headlines from a channel in every mood it may be in: what is kept, what is told, and when it is asked again."""

from datetime import timedelta

import msgspec
import pytest

from appliance.clock import utc_ago
from appliance.database import row, rows
from appliance.headlines import channels, services
from appliance.settings import HeadlineSettings, load_settings
from appliance.worker import ERRANDS, Worker
from support.channel import Channel


@pytest.fixture
def channel():
    playing = Channel()
    yield playing
    playing.close()


def test_nothing_is_asked_while_headlines_are_switched_off(api, channel):
    services.enqueue_due(api.database, HeadlineSettings((channel.url,), 30, enabled=False))
    assert api.database.read(lambda db: rows(db, "SELECT id FROM jobs")) == []


@pytest.fixture
def fetch(api, channel):
    """Have the worker ask the channel once, in that mood, whenever it was asked before."""
    asking = msgspec.structs.replace(api.settings, headlines=HeadlineSettings((channel.url,), 30))
    worker = Worker(asking, api.database, api.storage, api.engines)

    def ask(mood: str, wait: bool = False) -> int:
        channel.mood = mood
        if not wait:
            api.database.write(lambda db: db.execute("UPDATE headline_feeds SET tried_at = '2020-01-01T00:00:00.000Z'"))
        services.enqueue_due(api.database, asking.headlines)
        done = 0
        while worker.run_one(ERRANDS):
            done += 1
        return done

    return ask


def listed(api, **query: str) -> dict:
    return api.client.get("/api/v1/headlines", headers=api.as_("ann"), params=query).json()


def state(api) -> dict:
    return api.database.read(lambda db: row(db, "SELECT * FROM headline_feeds"))


def test_normal_headlines_are_newest_first_and_hold_no_more_than_they_may(api, fetch, channel):
    assert listed(api) == {"items": [], "next": None, "fetchedAt": None, "enabled": True}
    assert fetch("normal") == 1
    page = listed(api)
    assert [item["title"] for item in page["items"]] == ["第 3 条健康新闻", "第 2 条健康新闻", "第 1 条健康新闻"]
    assert page["items"][0]["publishedAt"] == "2026-01-03T00:00:00.000Z"  # Beijing's morning
    assert set(page["items"][0]) == {"id", "title", "source", "publishedAt", "pictureUrl", "url"}
    assert page["fetchedAt"]
    assert "不该留下的摘要" not in str(api.database.read(lambda db: rows(db, "SELECT * FROM headlines")))
    assert "cookie" not in channel.heard[0].lower() and "authorization" not in channel.heard[0].lower()
    fetch("normal")
    assert len(listed(api)["items"]) == 3, "fetched twice, listed twice"


@pytest.mark.parametrize(
    ("mood", "titles"),
    [
        ("photoset", ["第 4 条健康新闻", "第 1 条健康新闻"]),
        ("wrong key", ["第 5 条健康新闻"]),
        ("rss", ["秋冬 流感 疫苗"]),
        ("atom", ["勤洗手"]),
        ("empty", []),
        ("204", []),
    ],
)
def test_good_moods(api, fetch, mood, titles):
    fetch(mood)
    assert [item["title"] for item in listed(api)["items"]] == titles
    assert (state(api)["failures"], state(api)["problem"]) == (0, None)


def test_an_item_without_an_address_leads_to_its_number(api, fetch):
    fetch("wrong key")
    assert listed(api)["items"][0]["url"] == "https://c.m.163.com/news/a/K00005.html"


def test_hostile_items_lose_their_teeth(api, fetch):
    fetch("hostile")
    items = {item["title"]: item for item in listed(api)["items"]}
    assert set(items) == {"好消息", "第 9 条健康新闻"}
    assert items["好消息"]["pictureUrl"] is None
    assert items["第 9 条健康新闻"]["publishedAt"] < "2990", "news from the future"


@pytest.mark.parametrize(
    ("mood", "told"),
    [
        ("html", "不是新闻列表"),
        ("error", "错误 500"),
        ("no list", "没有新闻列表"),
        ("half", "不完整"),
        ("huge", "过大"),
    ],
)
def test_bad_moods_keep_what_was_there_and_say_why(api, fetch, mood, told):
    fetch("normal")
    fetch(mood)
    assert len(listed(api)["items"]) == 3
    assert state(api)["failures"] == 1
    assert told in state(api)["problem"]
    fetch("normal")
    assert (state(api)["failures"], state(api)["problem"]) == (0, None)


def test_a_slow_site_is_not_waited_for(api, fetch, monkeypatch):
    monkeypatch.setattr(channels, "WITHIN_S", 0.3)
    fetch("slow")
    assert "太慢" in state(api)["problem"]


def test_a_site_that_is_down(api, fetch, channel):
    channel.close()
    fetch("normal")
    assert "连接不上" in state(api)["problem"]


def test_it_is_asked_again_after_the_interval_and_backs_off(api, fetch):
    assert fetch("normal") == 1
    assert fetch("normal", wait=True) == 0, "asked again at once"
    later = utc_ago(timedelta(minutes=31))
    api.database.write(lambda db: db.execute("UPDATE headline_feeds SET tried_at = ?", [later]))
    assert fetch("normal", wait=True) == 1
    settings = HeadlineSettings()
    pauses = [services.pause_after(failures, settings) for failures in range(1, 20)]
    assert pauses[0] == timedelta(minutes=1)
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=4)


def test_switched_off_nobody_is_asked(api, channel):
    services.enqueue_due(api.database, HeadlineSettings((channel.url,), 0))
    assert api.database.read(lambda db: rows(db, "SELECT * FROM jobs")) == []


def test_a_waiting_fetch_keeps_no_picture_waiting(api, channel):
    """The worker's main loop leaves errands alone."""
    services.enqueue_due(api.database, HeadlineSettings((channel.url,), 30))
    assert api.work() == 0
    assert channel.heard == []


def test_fetches_leave_no_heap_of_jobs(api, fetch):
    for _ in range(4):
        fetch("normal")
    assert len(api.database.read(lambda db: rows(db, "SELECT * FROM jobs"))) <= 1


def test_pages_have_no_gap_and_no_overlap(api):
    made = [
        channels.Headline(f"{n:03}", f"新闻 {n}", "报", None, f"https://a.example/{n}", "2026-01-01T00:00:00.000Z")
        for n in range(45)
    ]
    api.database.write(lambda db: services.keep(db, "http://x.example", made))
    seen, before = [], None
    while True:
        page = listed(api, **({"before": before} if before else {}))
        seen += [item["id"] for item in page["items"]]
        before = page["next"]
        if before is None:
            break
    assert seen == [f"{n:03}" for n in reversed(range(45))]


def test_settings_by_variable(tmp_path):
    environ = {
        "XIANGYI_DATA_DIR": str(tmp_path),
        "XIANGYI_HEADLINES_CHANNELS": "http://a.example/x http://b.example/y",
        "XIANGYI_HEADLINES_INTERVAL_MINUTES": "0",
    }
    assert load_settings(environ).headlines == HeadlineSettings(("http://a.example/x", "http://b.example/y"), 0)
