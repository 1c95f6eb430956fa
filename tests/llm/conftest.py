"""Real llama.cpp servers in processes of their own, on free ports of the loopback."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from llm.arrival import default_cache
from llm.backends import OpenAIBackend
from llm.registry import DEFAULT_MODEL

ROOT = Path(__file__).parents[2]
PROGRAM = """
import resource, sys
from pathlib import Path
from llm.server import ServerSettings, serve
options = eval(sys.argv[1])
if memory := options.pop("memory", 0):
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
serve(ServerSettings(**options))
"""


class Server:
    """One server process. Its log is kept in `log`; `memory` is all the address space that it gets."""

    def __init__(self, log: Path, **options: Any):
        self.log = log
        options = {"port": 0, "cache": default_cache(), "model": "smollm2-135m", **options}
        code = repr(options).replace("PosixPath", "Path")
        with log.open("wb") as stderr:
            self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, code], cwd=ROOT, stderr=stderr)
        self.port = int(self.logged(r"listening on \S+:(\d+)")[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = openai.OpenAI(base_url=f"{self.url}/v1", api_key="local", max_retries=0, timeout=60)

    def logged(self, pattern: str, timeout_s: float = 10) -> re.Match:
        """Wait for a line of the log."""
        end = time.monotonic() + timeout_s
        while not (match := re.search(pattern, self.log.read_text(encoding="utf-8"))):
            assert time.monotonic() < end, self.log.read_text(encoding="utf-8")
            time.sleep(0.05)
        return match

    def health(self) -> dict:
        return httpx.get(f"{self.url}/health", timeout=60).json()

    def until(self, timeout_s: float = 10, **facts: Any) -> dict:
        """Wait until /health says all these facts."""
        end = time.monotonic() + timeout_s
        while not facts.items() <= (health := self.health()).items():
            assert time.monotonic() < end, f"{health} never became {facts}"
            time.sleep(0.05)
        return health

    def backend(self, model: str = "smollm2-135m") -> OpenAIBackend:
        return OpenAIBackend(f"{self.url}/v1", model, timeout_s=30)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(15)


@pytest.fixture
def start(tmp_path):
    """Start servers that end with the test."""
    servers: list[Server] = []

    def one(**options: Any) -> Server:
        servers.append(Server(tmp_path / f"server{len(servers)}.log", **options))
        return servers[-1]

    yield one
    for server in servers:
        if server.process.poll() is None:
            server.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def smol(tmp_path_factory):
    """A ready server with the small English model: two are answered at once, two may wait."""
    server = Server(tmp_path_factory.mktemp("smol") / "server.log", slots=2, queue=2)
    server.until(timeout_s=600, status="ready")
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def qwen(tmp_path_factory):
    """A ready server with the default model; a fresh machine fetches it first."""
    server = Server(tmp_path_factory.mktemp("qwen") / "server.log", model=DEFAULT_MODEL)
    server.until(timeout_s=1800, status="ready")
    yield server
    assert server.stop() == 0
