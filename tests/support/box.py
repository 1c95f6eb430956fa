"""Start the real box as processes, the way `make run` does, on ports and a data folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from appliance.up import end_with_parent

ROOT = Path(__file__).parents[2]
PASSWORD = "test-password-1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Box:
    """A running box. `stop` ends it; `log(name)` reads one of its processes' logs."""

    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    llm_port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "XIANGYI_DATA_DIR": str(self.data_dir),
            "XIANGYI_PORT": str(self.port),
            "XIANGYI_LLM_PORT": str(self.llm_port),
            "XIANGYI_ADMIN_PASSWORD": PASSWORD,
            "XIANGYI_HEADLINES_INTERVAL_MINUTES": "0",  # tests ask nobody outside
            **self.settings,
        }

    def start(self, within_s: float = 90) -> "Box":
        self.data_dir.mkdir(parents=True, exist_ok=True)
        output = (self.data_dir / "up.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "appliance", "up"],
            env=self.environment,
            cwd=ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=end_with_parent,  # a test run that crashes must leave no box behind
        )
        self.wait_for("/readyz", within_s)
        return self

    def wait_for(self, path: str, within_s: float) -> None:
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):
                if httpx.get(self.url + path, timeout=5).status_code == 200:
                    return
            if self.process and self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"{path} did not come:\n{self.told()}\n{self.log('web')[-3000:]}")

    def wait_for_llm(self, within_s: float = 1800) -> None:
        """Until the language model answers; on a fresh machine it is compiled and fetched first."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if httpx.get(f"{self.url}/readyz", timeout=10).json().get("llm") == "ready":
                return
            time.sleep(0.5)
        raise AssertionError(f"the language model did not come:\n{self.told()}\n{self.log('llm')[-3000:]}")

    def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)

    def told(self) -> str:
        return (self.data_dir / "up.log").read_text()

    def log(self, name: str) -> str:
        path = self.data_dir / "log" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def pid(self, name: str) -> int:
        """The process of the box that was started as `xiangyi <name>`."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            if Path(f"/proc/{child}/cmdline").read_bytes().rstrip(b"\0").endswith(f"\0{name}".encode()):
                return int(child)
        raise AssertionError(f"no process {name}")

    def client(self, username: str = "admin", password: str = PASSWORD) -> httpx.Client:
        """A client that is logged in."""
        credentials = {"username": username, "password": password}
        answer = httpx.post(f"{self.url}/api/v1/sessions", json=credentials, timeout=30)
        assert answer.status_code == 201, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        return httpx.Client(base_url=self.url, timeout=120, headers=headers)
