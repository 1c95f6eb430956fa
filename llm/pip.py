"""Run pip as a child that can be stopped, and say in one sentence why it failed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from llm import environ
from llm.errors import ArrivalError, Stopped

_NETWORK = "连不上软件源。请检查网络，联网后会自动继续；没有网络时，可用 U 盘带来的模型（见 llm/README.md）。"
_OTHER = "软件包下载失败，会自动重试。详情见日志。"

# What pip prints → the sentence. The first that is found counts.
_REASONS = (
    (r"No space left on device", "磁盘已满。请清理磁盘，腾出空间后会自动继续。"),
    (r"No module named pip", "这个 Python 环境里没有 pip。请执行：python -m ensurepip ，之后会自动继续。"),
    (r"NewConnectionError|NameResolution|ConnectTimeout|Read timed out|ProxyError", _NETWORK),
    (r"Connection (refused|reset)|SSLError|IncompleteRead|Could not fetch URL|No matching distribution", _NETWORK),
    (r"Permission denied", "没有写入权限。请检查缓存目录和 Python 环境的所有者。"),
)


def run_pip(arguments: list[str], scratch: Path, stop: threading.Event, *, polite: int = 0) -> None:
    """Run `pip ARGUMENTS`, `polite` steps down in priority.

    Raises ArrivalError with the reason and the end of pip's words as its cause, Stopped when `stop` is set.
    """
    command = [sys.executable, "-m", "pip", "--no-input", "--retries", "2", *arguments]
    log = scratch / "pip.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environ.for_pip(scratch),
            start_new_session=True,
        )
    with contextlib.suppress(ProcessLookupError, PermissionError):  # a hardened unit may not: then it is less polite
        os.setpriority(os.PRIO_PROCESS, child.pid, polite)
    code = _wait(child, stop)
    if code != 0:
        words = log.read_text(encoding="utf-8", errors="replace")
        raise ArrivalError(reason(words)) from subprocess.CalledProcessError(code, command[:5], words[-2000:])


def reason(words: str) -> str:
    """One Chinese sentence for what pip printed."""
    return next((sentence for pattern, sentence in _REASONS if re.search(pattern, words)), _OTHER)


def _wait(child: subprocess.Popen, stop: threading.Event) -> int:
    while (code := child.poll()) is None:
        if stop.wait(0.05):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise Stopped
    return code
