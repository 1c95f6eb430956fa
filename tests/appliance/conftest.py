"""The application in this process, over a database of its own; jobs are run by calling the worker's own code."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from litestar.testing import TestClient

from appliance import audit
from appliance.app import create_app
from appliance.auth.services import create_account
from appliance.database import Database
from appliance.engines import Engines
from appliance.migrations import migrate
from appliance.settings import LlmSettings, Settings
from appliance.storage import Storage
from appliance.worker import Worker
from support.box import free_port

PASSWORD = "secret-word-1"


@dataclass
class Api:
    """The app's client with one account of each role logged in."""

    client: TestClient
    settings: Settings
    database: Database
    storage: Storage
    engines: Engines
    tokens: dict[str, str]

    def as_(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    def upload(self, name: str, *files: tuple[str, bytes], organ: str = "retina", **query: str):
        parts = [("file", file) for file in files]
        return self.client.post(
            "/api/v1/studies", headers=self.as_(name), data={"organ": organ}, files=parts, params=query
        )

    def work(self) -> int:
        """Run all waiting jobs in this thread; returns how many."""
        worker = Worker(self.settings, self.database, self.storage, self.engines)
        done = 0
        while worker.run_one():
            done += 1
        return done

    def stored_files(self) -> list[Path]:
        return [path for path in self.settings.files_dir.rglob("*") if path.is_file()]


@pytest.fixture
def set_clock(monkeypatch) -> Callable[[float], None]:
    """Call it with how many days the box's clock is to be ahead of the true one, or behind when negative."""

    def ahead(days: float) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + timedelta(days=days)

        monkeypatch.setattr("appliance.clock.datetime", Clock)

    return ahead


@pytest.fixture
def live(database: Database, set_clock) -> Callable[[int, int], None]:
    """Let the box be used daily from so many days from now on; each leaves a row in the audit log that names the day.
    Its clock stays at the last."""

    def used(start: int, days: int = 7) -> None:
        for day in range(start, start + days):
            set_clock(day)
            database.write(lambda db, day=day: audit.record(db, None, "day.used", str(day)))

    return used


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, llm=LlmSettings(port=free_port()))


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = Database(settings.database_path)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def api(settings: Settings, database: Database) -> Iterator[Api]:
    storage, engines = Storage(settings.files_dir), Engines(settings)
    for name, role in (("ann", "user"), ("bo", "user"), ("doc", "clinician"), ("boss", "admin")):
        create_account(database, name, PASSWORD, role)
    with TestClient(create_app(settings, database, storage, engines)) as client:
        api = Api(client, settings, database, storage, engines, {})
        for name in ("ann", "bo", "doc", "boss"):
            answer = client.post("/api/v1/sessions", json={"username": name, "password": PASSWORD})
            api.tokens[name] = answer.json()["token"]
        yield api
