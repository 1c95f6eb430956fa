"""The endpoint's routes: health, model list, chat completions."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator

from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.response import Stream

from llm import protocol
from llm.engine import Generation
from llm.errors import ContextOverflow, GenerationFailed, QueueFull
from llm.protocol import ApiError, ChatRequest
from llm.service import Service

MAX_BODY_BYTES = 1_000_000
_log = logging.getLogger(__name__)


@get("/health")
async def health(service: NamedDependency[Service]) -> Response[dict]:
    body = service.health()
    return Response(body, status_code=200 if body["status"] == "ready" else 503)


@get("/v1/models")
async def models(service: NamedDependency[Service]) -> dict:
    loaded = [{"id": service.model, "object": "model", "created": 0, "owned_by": "xiangyi"}]
    return {"object": "list", "data": loaded if service.engine else []}


@post("/v1/chat/completions", status_code=200)
async def chat(request: Request, service: NamedDependency[Service]) -> Response | Stream:
    asked = protocol.parse(await request.json())
    generation = await _submit(service, asked)
    head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": service.model}
    if asked.stream:
        return Stream(_events(generation, head, asked.usage), media_type="text/event-stream")
    return Response(await _whole(request, generation, head))


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


async def _submit(service: Service, asked: ChatRequest) -> Generation:
    engine = service.ready_engine(asked.model)
    loop = asyncio.get_running_loop()
    try:
        return await asyncio.to_thread(engine.submit, asked.messages, asked.sampling, loop)
    except (ContextOverflow, QueueFull, ValueError) as error:
        raise ApiError.of(error) from error


async def _events(generation: Generation, head: dict, with_usage: bool) -> AsyncIterator[str]:
    """Server-sent events. A client that leaves closes this iterator, and that stops the generation."""
    tokens = 0
    try:
        yield _event(protocol.chunk(head, {"role": "assistant", "content": ""}))
        async for piece in generation.pieces():
            tokens = piece.tokens
            if piece.text:
                yield _event(protocol.chunk(head, {"content": piece.text}))
            if piece.finish:
                yield _event(protocol.chunk(head, {}, piece.finish))
        if with_usage:
            yield _event({**protocol.chunk(head, {}), "choices": [], "usage": _usage(generation, tokens)})
        yield "data: [DONE]\n\n"
    except GenerationFailed:
        yield _event(ApiError(500, "llm_failed", "本地模型生成中断，请重试。").body())
    finally:
        generation.cancelled.set()


async def _whole(request: Request, generation: Generation, head: dict) -> dict:
    """Collect the answer, unless the client leaves first."""
    collecting = asyncio.ensure_future(_collect(generation, head))
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({collecting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not collecting.done():
            raise ApiError(499, "client_closed_request", "The client went away.")
        return collecting.result()
    except GenerationFailed as error:
        raise ApiError(500, "llm_failed", "本地模型生成中断，请重试。") from error
    finally:
        generation.cancelled.set()
        collecting.cancel()
        leaving.cancel()


async def _collect(generation: Generation, head: dict) -> dict:
    pieces = [piece async for piece in generation.pieces()]
    text = "".join(piece.text for piece in pieces)
    return protocol.completion(head, text, pieces[-1].finish, _usage(generation, pieces[-1].tokens))


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _usage(generation: Generation, tokens: int) -> dict:
    return protocol.usage(len(generation.prompt), tokens)


def _event(body: dict) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _api_error(_: Request, error: ApiError) -> Response[dict]:
    return Response(error.body(), status_code=error.status)


def _http_error(_: Request, error: HTTPException) -> Response[dict]:
    return _api_error(_, ApiError(error.status_code, "invalid_request", error.detail))


def _unexpected(_: Request, error: Exception) -> Response[dict]:
    _log.error("unexpected error", exc_info=error)
    return _api_error(_, ApiError(500, "llm_failed", "本地问诊服务内部错误，详情见日志。"))
