"""`xiangyi up`: start web, worker and language model, watch over them, and stop them all together."""

import ctypes
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import click

from appliance.settings import Settings
from appliance.start import prepare
from appliance.web import port_is_free

NEEDED_BYTES = 500 * 1024**2
STOP_WITHIN_S = 15.0
RESTART_AFTER_S = (1, 2, 5, 10, 30)
STEADY_S = 60.0
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class NotStarted(Exception):
    """The box cannot start; one sentence with the mend."""


@dataclass
class Child:
    """One process of the box, restarted when it dies, more slowly each time."""

    name: str
    log: Path
    process: subprocess.Popen | None = None
    started: float = 0.0
    deaths: int = 0
    start_at: float = field(default_factory=time.monotonic)

    def watch(self) -> None:
        """Start it when it is due; say so when it died."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.deaths = 0 if now - self.started > STEADY_S else self.deaths + 1
            wait_s = RESTART_AFTER_S[min(self.deaths, len(RESTART_AFTER_S) - 1)]
            click.echo(f"{self.name} 意外退出（{self.process.returncode}），{wait_s} 秒后重启；日志：{self.log}")
            self.process, self.start_at = None, now + wait_s
        if self.process is None and now >= self.start_at:
            self.started = now
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "appliance", self.name],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C reaches us alone, and we stop the others in order
                    preexec_fn=end_with_parent,
                )

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, seconds))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run(settings: Settings) -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code. Raises NotStarted."""
    started = time.monotonic()
    stops: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda caught, _frame: stops.append(caught))
    _check(settings)
    password = prepare(settings)
    settings.log_dir.mkdir(parents=True, exist_ok=True)
    names = ["web", "worker"] + (["llm"] if settings.llm.enabled else [])
    children = [Child(name, settings.log_dir / f"{name}.log") for name in names]
    click.echo(f"数据文件夹：{settings.data_dir}\n正在启动……")
    try:
        told = Progress(settings, password, started)
        while not stops:
            for child in children:
                child.watch()
            told.tell()
            time.sleep(0.1)
    finally:
        click.echo("\n正在停止……")
        for child in children:
            child.ask_to_stop()
        until = time.monotonic() + STOP_WITHIN_S
        for child in children:
            child.wait(until - time.monotonic())
        click.echo("已停止。")
    return 0


class Progress:
    """What the terminal is told: the address once the box is ready, and how far the language model is."""

    def __init__(self, settings: Settings, password: str | None, started: float):
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
        self._address = f"http://{host}:{settings.port}"
        self._llm = f"http://{settings.llm.host}:{settings.llm.port}/health" if settings.llm.enabled else None
        self._password, self._started = password, started
        self._ready, self._said, self._next = False, "", 0.0

    def tell(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + (2.0 if self._ready else 0.3)
        if not self._ready:
            status, answer = _get_json(f"{self._address}/readyz")
            if status == 200:
                self._ready = True
                self._welcome(answer.get("segmentation", ""))
        elif self._llm:
            self._tell_llm(self._llm)

    def _welcome(self, computes: str) -> None:
        click.echo(f"\n乡医已就绪（{time.monotonic() - self._started:.1f} 秒）：{self._address}")
        click.echo(f"图像分割：{computes}")
        if self._password:
            click.echo(f"管理员：admin    一次性密码：{self._password}    （请登录后修改）")
        click.echo("按 Ctrl-C 停止。\n")

    def _tell_llm(self, url: str) -> None:
        status, answer = _get_json(url)
        if status == 0:
            return
        done, total = answer.get("doneBytes") or 0, answer.get("totalBytes") or 0
        share = f" {10 * (10 * done // total)} %" if total and answer.get("step") == "model" else ""
        text = "问诊模型已就绪。" if status == 200 else f"问诊模型：{answer.get('message', '')}{share}"
        if text != self._said:
            self._said = text
            click.echo(text)


def _check(settings: Settings) -> None:
    """Raise NotStarted for what would stop the box later, with the mend."""
    ports = [(settings.host, settings.port, "PORT=8090 make run")]
    if settings.llm.enabled:
        ports.append((settings.llm.host, settings.llm.port, "XIANGYI_LLM_PORT=8091 make run"))
    if settings.tunnel.port:
        ports.append((settings.tunnel.host, settings.tunnel.port, "XIANGYI_TUNNEL_PORT=8092 make run"))
    for host, port, mend in ports:
        if not port_is_free(host, port):
            raise NotStarted(f"端口 {port} 已被占用：请关闭占用它的程序，或换一个端口，例如 {mend}")
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotStarted(f"无法写入数据文件夹 {settings.data_dir}（{error.strerror}）：请用 DATA= 换一个。") from error
    free = shutil.disk_usage(settings.data_dir).free
    if free < NEEDED_BYTES:
        raise NotStarted(
            f"磁盘空间不足：{settings.data_dir} 只剩 {free // 1024**2} MB，至少需要 {NEEDED_BYTES // 1024**2} MB；"
            "请清理磁盘，或用 DATA= 换一个文件夹。"
        )


def _get_json(url: str) -> tuple[int, dict]:
    """(status, body) of a local address; status 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        try:
            return error.code, json.load(error)
        except ValueError:
            return error.code, {}
    except (OSError, ValueError):
        return 0, {}


def end_with_parent() -> None:
    """In the child: when the supervisor is killed outright, its processes must not stay behind."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
