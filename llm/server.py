"""The llama.cpp process: an OpenAI-compatible endpoint on loopback, up at once even while its model arrives."""

import logging
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn

from llm.api import create_app
from llm.arrival import arrive_patiently, default_cache
from llm.errors import ArrivalError, ConsultationOff, Stopped
from llm.files import sha256_of
from llm.instructions import SYSTEM_PROMPT
from llm.llamacpp import LlamaCpp
from llm.progress import Progress
from llm.registry import DEFAULT_MODEL, find_model, model_id
from llm.service import Service
from llm.turns import Turns

RETRY_LOAD_S = 60.0
KEEP_ALIVE_S = 30  # longer than clients keep an idle connection (5 s): no question meets one that just closes
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerSettings:
    """`model`: a name in models.toml or a path to a .gguf. `threads` 0: one per core. Port 0: any free one (logged).

    `context` in tokens for each of `slots` people who are answered at once; `queue`: how many may wait besides.
    `install` False: nothing is downloaded.
    """

    host: str = "127.0.0.1"
    port: int = 8081
    cache: Path = field(default_factory=default_cache)
    model: str = DEFAULT_MODEL
    threads: int = 0
    context: int = 4096
    install: bool = True
    slots: int = 4
    queue: int = 8


# Makes the server of a configuration; the function is awaited to know whether llama.cpp still answers.
Runner = Callable[[uvicorn.Config, Callable[[], Awaitable[None]]], uvicorn.Server]


def plain(config: uvicorn.Config, _works: Callable[[], Awaitable[None]]) -> uvicorn.Server:
    """A server that nobody watches over."""
    return uvicorn.Server(config)


def serve(settings: ServerSettings, runner: Runner = plain) -> None:
    """Serve until SIGTERM or SIGINT, then return. Raises SystemExit with a sentence when the port is taken."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    listener = _listen(settings)
    stop = threading.Event()
    turns = Turns(settings.slots, settings.queue)
    service = Service(model_id(settings.model), (settings.model,), Progress(), turns)
    arriving = threading.Thread(target=_bring_up, args=(settings, service, stop), name="arrival", daemon=True)
    arriving.start()
    _log.info("listening on http://%s:%d", *listener.getsockname()[:2])
    try:
        _run(service, listener, runner)
    finally:
        stop.set()
        arriving.join(10.0)
        service.close()


def _listen(settings: ServerSettings) -> socket.socket:
    try:
        return socket.create_server((settings.host, settings.port))
    except OSError as error:
        raise SystemExit(
            f"问诊服务无法使用端口 {settings.port}({error.strerror}）。请停掉占用它的程序，或在设置里换一个端口。"
        ) from error


def _run(service: Service, listener: socket.socket, runner: Runner) -> None:
    """uvicorn stops on a signal and then raises it again for us: that second time means nothing."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        create_app(service),
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    runner(config, service.works).run(sockets=[listener])


def _bring_up(settings: ServerSettings, service: Service, stop: threading.Event) -> None:
    """Until llama.cpp is up: arrive, load. The reason of a failure is what /health says."""
    try:
        while not _load(settings, service, stop):
            if stop.wait(RETRY_LOAD_S):
                return
    except Stopped:
        _log.info("arrival stopped")
    except ConsultationOff as error:
        _log.info("consultation is off: %s", error.message_zh)
        service.progress.report("off", error.message_zh)
    except Exception:
        _log.exception("arrival failed")
        service.progress.report("failed", "本地问诊模型启动失败，详情见日志。其他功能不受影响。")


def _load(settings: ServerSettings, service: Service, stop: threading.Event) -> bool:
    path = arrive_patiently(settings.model, settings.cache, settings.install, service.progress, stop)
    service.progress.report("load", "正在载入本地问诊模型")
    try:
        service.sha256 = sha256_of(path, stop)
        spec = find_model(settings.model)
        whole = spec is not None and service.sha256 == spec.sha256
        llama = LlamaCpp(path, service.served, settings.context, settings.threads, settings.slots, whole)
    except ArrivalError as error:
        _log.warning("load: %s", error.message_zh, exc_info=error)
        service.progress.report("failed", error.message_zh)
        return False
    service.llama = llama
    service.progress.report("ready", "本地问诊模型已就绪")
    _log.info("ready: %s", path)
    try:
        llama.read_ahead(SYSTEM_PROMPT)
    except httpx.HTTPError as error:
        _log.warning("instructions not read ahead: %r", error)
    return True
