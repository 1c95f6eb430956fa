"""The client of a model: the local server, or any other endpoint that speaks OpenAI's protocol."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx
import httpx2  # what the openai package speaks HTTP with, and lets through when a stream breaks
import openai

HEALTH_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 3.0
STATES = ("ready", "arriving", "loading", "failed", "off")
MESSAGES = {
    "llm_down": "本地问诊服务没有响应，请稍后再试；若一直如此，请联系管理员。",
    "llm_busy": "现在提问的人较多，请稍等一会儿再试。",
    "llm_arriving": "本地问诊模型正在准备，请稍后再试。",
    "llm_off": "本地问诊未启用。",
    "llm_failed": "本地模型没能完成回答，请重试或换个说法。",
}


class BackendUnavailable(Exception):
    """No answer from this model now. `code` is one of MESSAGES; `message_zh` is for the person who asked."""

    def __init__(self, code: str, message_zh: str = ""):
        self.code = code
        self.message_zh = message_zh or MESSAGES[code]
        super().__init__(f"{code}: {self.message_zh}")


@dataclass(frozen=True)
class Place:
    """A place in the local server's queue."""

    place: int


@dataclass(frozen=True)
class Speaker:
    """Which model it is that answers, as the endpoint calls it."""

    model: str


@dataclass(frozen=True)
class Health:
    """How the local server is: one of STATES, or "down" when it does not answer. Bytes count while it is arriving."""

    state: str
    message_zh: str
    done_bytes: int = 0
    total_bytes: int = 0
    model: str = ""


class OpenAIBackend:
    """One endpoint. `base_url` ends in /v1; `timeout_s` is the longest silence that is borne.

    `model` "" takes whichever is loaded there, as the local server allows.
    """

    def __init__(self, base_url: str, model: str = "", api_key: str = "local", timeout_s: float = 120.0):
        self.base_url, self.model = base_url.rstrip("/"), model
        timeout = httpx2.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
        self._http = httpx2.AsyncClient(trust_env=False, timeout=timeout)
        self._client = openai.AsyncOpenAI(
            base_url=self.base_url, api_key=api_key, max_retries=0, timeout=timeout, http_client=self._http
        )

    @property
    def host(self) -> str:
        return httpx.URL(self.base_url).host

    async def health(self) -> Health:
        """Ask the local server. Never raises."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=HEALTH_TIMEOUT_S) as http:
                body = (await http.get(f"{self.base_url.removesuffix('/v1')}/health")).json()
            return _health(body)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError):
            return Health("down", MESSAGES["llm_down"], model=self.model)

    async def stream(
        self, messages: list[dict], max_tokens: int, temperature: float = 0.0
    ) -> AsyncGenerator[str | Place | Speaker, None]:
        """The answer's text as it comes, after the places at which it waited and the model's name.

        Raises BackendUnavailable, also when it breaks off in the middle.
        """
        request: dict[str, Any] = {"model": self.model, "messages": messages, "max_tokens": max_tokens, "stream": True}
        finished, speaker = False, ""
        try:
            async with await self._client.chat.completions.create(**request, temperature=temperature) as chunks:
                async for chunk in chunks:
                    if queue := (chunk.model_extra or {}).get("queue"):
                        yield Place(queue["place"])
                    elif chunk.choices and not speaker:
                        speaker = chunk.model
                        yield Speaker(speaker)
                    for choice in chunk.choices:
                        finished = finished or choice.finish_reason is not None
                        if choice.delta.content:
                            yield choice.delta.content
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise _unavailable(error) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # what came was no answer in OpenAI's shape
            raise BackendUnavailable("llm_failed") from error
        if not finished:
            raise BackendUnavailable("llm_down")

    async def close(self) -> None:
        await self._client.close()


def _health(body: dict) -> Health:
    if body["status"] not in STATES:
        raise ValueError("not our server")
    return Health(body["status"], body["message"], body["doneBytes"], body["totalBytes"], body["model"])


def _unavailable(error: Exception) -> BackendUnavailable:
    """Which of our codes the client's error means."""
    if isinstance(error, openai.APIStatusError):
        if error.status_code == 429:
            return BackendUnavailable("llm_busy")
        if error.code in MESSAGES:
            return BackendUnavailable(error.code, _message(error))
        return BackendUnavailable("llm_down" if error.status_code in (502, 503, 504) else "llm_failed")
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
        return BackendUnavailable("llm_down")
    return BackendUnavailable("llm_failed")


def _message(error: openai.APIStatusError) -> str:
    """The server's own sentence, which says how far the arrival is."""
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or "")
