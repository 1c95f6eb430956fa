"""OpenAI's chat protocol: what a request may say, and the shapes of answers, chunks and errors."""

import math
from dataclasses import dataclass
from typing import Any

from llm.errors import ContextOverflow, QueueFull
from llm.runner import Sampling

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
UNSUPPORTED = ("tools", "functions", "logprobs", "audio", "logit_bias")


class ApiError(Exception):
    """An answer other than 200, in OpenAI's error shape."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None):
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param

    def body(self) -> dict:
        kind = "invalid_request_error" if self.status < 500 and self.status != 429 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    @classmethod
    def of(cls, error: Exception) -> "ApiError":
        """Translate what the engine raises when a question is submitted."""
        if isinstance(error, ContextOverflow):
            return cls(400, "context_length_exceeded", str(error), "messages")
        if isinstance(error, QueueFull):
            return cls(429, "llm_busy", "问诊排队已满，请稍后再试。")
        return cls(400, "invalid_messages", f"The model's chat template refuses these messages: {error}", "messages")


@dataclass(frozen=True)
class ChatRequest:
    """A request that was checked. `model` is "" when none was named."""

    model: str
    messages: list[dict[str, str]]
    sampling: Sampling
    stream: bool
    usage: bool


def parse(body: Any) -> ChatRequest:
    """Check the JSON of POST /v1/chat/completions. Raises ApiError 400."""
    if not isinstance(body, dict):
        raise _invalid("the body must be a JSON object")
    for name in UNSUPPORTED:
        if body.get(name):
            raise _invalid("this model does not support it", name)
    if body.get("n") not in (None, 1):
        raise _invalid("only one answer can be asked for", "n")
    if (body.get("response_format") or {"type": "text"}) != {"type": "text"}:
        raise _invalid("only plain text can be asked for", "response_format")
    options = body.get("stream_options")
    return ChatRequest(
        model=str(body.get("model") or ""),
        messages=_messages(body.get("messages")),
        sampling=_sampling(body),
        stream=bool(body.get("stream")),
        usage=isinstance(options, dict) and bool(options.get("include_usage")),
    )


def completion(head: dict, text: str, finish: str | None, usage: dict) -> dict:
    """The whole answer at once."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}


def chunk(head: dict, delta: dict, finish: str | None = None) -> dict:
    """A piece of a streamed answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {**head, "object": "chat.completion.chunk", "choices": [choice]}


def usage(prompt_tokens: int, completion_tokens: int) -> dict:
    total = prompt_tokens + completion_tokens
    return {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, "total_tokens": total}


def _invalid(message: str, param: str | None = None) -> ApiError:
    return ApiError(400, "invalid_value", f"{param}: {message}" if param else message, param)


def _messages(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or not value:
        raise _invalid("a list of at least one message is needed", "messages")
    return [_message(item) for item in value]


def _message(item: Any) -> dict[str, str]:
    if not isinstance(item, dict) or item.get("role") not in ROLES:
        raise _invalid(f"each message needs a role out of {', '.join(ROLES)}", "messages")
    content = item.get("content")
    if isinstance(content, list):
        content = "".join(_part(part) for part in content)
    if not isinstance(content, str):
        raise _invalid("each message needs its content as text", "messages")
    return {"role": ROLES[item["role"]], "content": content}


def _part(part: Any) -> str:
    if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
        raise _invalid("only parts of type text are understood", "messages")
    return part["text"]


def _sampling(body: dict) -> Sampling:
    most = body.get("max_completion_tokens", body.get("max_tokens"))
    stop = body.get("stop") or []
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(one, str) for one in stops):
        raise _invalid("a text or a list of texts is needed", "stop")
    seed = _number(body, "seed", None, -(2**63), 2**63)
    return Sampling(
        max_tokens=None if most is None else int(_number({"max_tokens": most}, "max_tokens", 1, 1, 1 << 20)),
        temperature=_number(body, "temperature", Sampling.temperature, 0, 2),
        top_p=_number(body, "top_p", Sampling.top_p, 0, 1),
        frequency_penalty=_number(body, "frequency_penalty", 0.0, -2, 2),
        presence_penalty=_number(body, "presence_penalty", 0.0, -2, 2),
        seed=None if seed is None else int(seed) % 2**32,
        stop=tuple(stops),
    )


def _number(body: dict, name: str, default: Any, low: float, high: float) -> Any:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _invalid("a number is needed", name)
    if not low <= value <= high:
        raise _invalid(f"must lie between {low} and {high}", name)
    return value
