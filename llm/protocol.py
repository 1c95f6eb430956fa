"""OpenAI's shapes, as far as llama.cpp does not make them itself: a request made harmless, an error, a queue event."""

import json
import re
from typing import Any

ROLES = ("system", "developer", "user", "assistant", "tool")
_CONTROL = re.compile(r"<\|[^|<>\s]{1,40}\|>")
# llama.cpp's types of errors → OpenAI's codes.
_CODES = {"exceed_context_size_error": "context_length_exceeded", "invalid_request_error": "invalid_request"}


class ApiError(Exception):
    """An error that the client is told in OpenAI's shape."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None):
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param

    def body(self) -> dict:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    @classmethod
    def from_llama(cls, status: int, content: bytes) -> "ApiError":
        """llama.cpp's own error, translated."""
        try:
            error = json.loads(content)["error"]
            return cls(status, _CODES.get(error["type"], error["type"]), error["message"])
        except (ValueError, KeyError, TypeError):
            return cls(500, "llm_failed", "本地模型没能完成回答，请重试。")


def check(body: Any) -> dict:
    """The JSON of POST /v1/chat/completions, fit for llama.cpp. Raises ApiError 400.

    Control words such as <|im_end|> inside a message lose their power: llama.cpp would read them as its own.
    """
    if not isinstance(body, dict):
        raise _invalid("the body must be a JSON object")
    if body.get("n") not in (None, 1):
        raise _invalid("only one answer can be asked for", "n")
    if body.get("tools") or body.get("functions"):
        raise _invalid("this model does not use tools", "tools")
    for name, low in (("max_tokens", 1), ("max_completion_tokens", 1), ("temperature", 0), ("top_p", 0)):
        value = body.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < low):
            raise _invalid(f"a number of at least {low} is needed", name)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _invalid("a list of at least one message is needed", "messages")
    return {**body, "messages": [_message(message) for message in messages]}


def queued(model: str, place: int) -> str:
    """A server-sent event for someone who waits: a chunk without choices, which clients skip, with our own field."""
    chunk = {"id": "queued", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": []}
    return event({**chunk, "queue": {"place": place}})


def event(body: dict) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _invalid(message: str, param: str | None = None) -> ApiError:
    return ApiError(400, "invalid_value", f"{param}: {message}" if param else message, param)


def _message(item: Any) -> dict[str, str]:
    if not isinstance(item, dict) or item.get("role") not in ROLES:
        raise _invalid(f"each message needs a role out of {', '.join(ROLES)}", "messages")
    content = item.get("content")
    if isinstance(content, list):
        content = "".join(_part(part) for part in content)
    if not isinstance(content, str):
        raise _invalid("each message needs its content as text", "messages")
    return {**item, "content": _CONTROL.sub("", content)}


def _part(part: Any) -> str:
    if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
        raise _invalid("only parts of type text are understood", "messages")
    return part["text"]
