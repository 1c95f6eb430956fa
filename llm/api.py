"""The endpoint's routes: health, model list, and chat completions, which queue here and are answered by llama.cpp."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import httpx
import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.response import Stream

from llm import protocol
from llm.errors import QueueFull
from llm.protocol import ApiError
from llm.service import Service
from llm.turns import Turn

MAX_BODY_BYTES = 1_000_000
_log = logging.getLogger(__name__)


@get("/health")
async def health(service: NamedDependency[Service]) -> Response[dict]:
    body = service.health()
    return Response(body, status_code=200 if body["status"] == "ready" else 503)


@get("/v1/models")
async def models(service: NamedDependency[Service]) -> dict:
    loaded = [{"id": service.model, "object": "model", "created": 0, "owned_by": "xiangyi"}]
    return {"object": "list", "data": loaded if service.llama else []}


@post("/v1/chat/completions", status_code=200)
async def chat(request: Request, service: NamedDependency[Service]) -> Response | Stream:
    body = protocol.check(_decoded(await request.body()))
    llama = service.ready(str(body.get("model") or ""))
    try:
        turn = service.turns.enter()
    except QueueFull as error:
        raise ApiError(429, "llm_busy", "问诊排队已满，请稍后再试。") from error
    pieces = _answer(service, llama.http, turn, {**body, "model": service.served})
    if not body.get("stream"):
        return Response(await _whole(request, pieces), media_type="application/json")
    # The first piece is awaited before the answer begins: what is refused at once is still told by its status.
    return Stream(_after(await anext(pieces), pieces), media_type="text/event-stream")


def _decoded(content: bytes) -> object:
    """Raises ApiError 400 for what is no JSON, half a character, or nested without end."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(400, "invalid_request", f"The body is no JSON: {error}") from error


def create_app(service: Service) -> Litestar:
    """The ASGI application. Every error has OpenAI's shape."""
    return Litestar(
        [health, models, chat],
        dependencies={"service": Provide(lambda: service, sync_to_thread=False)},
        exception_handlers={ApiError: _api_error, HTTPException: _http_error, Exception: _unexpected},
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )


async def _answer(service: Service, http: httpx.AsyncClient, turn: Turn, body: dict) -> AsyncIterator[bytes]:
    """What llama.cpp sends, byte for byte, after the places in the queue. Raises ApiError when it refuses.

    Whoever closes this early gives the turn back and stops the generation.
    """
    began, first_s = time.monotonic(), None
    try:
        async for place in turn.places():
            if body.get("stream"):
                yield protocol.queued(service.served, place).encode()
        async with http.stream("POST", "/v1/chat/completions", json=body) as answer:
            if answer.status_code != 200:
                raise ApiError.from_llama(answer.status_code, await answer.aread())
            async for piece in answer.aiter_raw():
                first_s = first_s or time.monotonic() - began
                yield piece
    except httpx.HTTPError as error:
        _log.warning("llama.cpp broke off: %r", error)
        raise ApiError(500, "llm_failed", "本地模型生成中断，请重试。") from error
    finally:
        service.turns.leave(turn)
        _log.info("answer first_s=%.2f total_s=%.2f", first_s or 0, time.monotonic() - began)


async def _after(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(pieces):  # type: ignore[type-var]
        try:
            yield first
            async for piece in pieces:
                yield piece
        except ApiError as error:
            yield protocol.event(error.body()).encode()


async def _whole(request: Request, pieces: AsyncIterator[bytes]) -> bytes:
    """Collect the answer, unless the client leaves first."""
    collecting = asyncio.ensure_future(_collect(pieces))
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({collecting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not collecting.done():
            raise ApiError(499, "client_closed_request", "The client went away.")
        return collecting.result()
    finally:
        collecting.cancel()
        leaving.cancel()


async def _collect(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _api_error(_: Request, error: ApiError) -> Response[dict]:
    return Response(error.body(), status_code=error.status)


def _http_error(_: Request, error: HTTPException) -> Response[dict]:
    return _api_error(_, ApiError(error.status_code, "invalid_request", error.detail))


def _unexpected(_: Request, error: Exception) -> Response[dict]:
    _log.error("unexpected error", exc_info=error)
    return _api_error(_, ApiError(500, "llm_failed", "本地问诊服务内部错误，详情见日志。"))
