"""The language model killed, starved and fed garbage: whoever asks gets a clear word, and the next question works."""

import asyncio
import http.server
import signal
import socket
import threading
from contextlib import contextmanager, suppress

import httpx
import pytest

from llm.backends import OpenAIBackend
from llm.consultation import Answered, Asked, Consultant
from support.consult import HYPERTENSION, consult

ASKED = Asked("高血压平时怎么吃", [HYPERTENSION])
TOO_LITTLE = 700 << 20  # bytes: enough to be up, too little for the small model and its context
CHAT = "/v1/chat/completions"


def test_killed_in_the_middle_of_an_answer_the_passage_completes_it_and_a_new_process_answers(start):
    server = start()
    server.until(status="ready", timeout_s=60)

    def kill() -> None:
        server.until(busy=True, timeout_s=60)
        server.process.send_signal(signal.SIGKILL)

    async def listen() -> Answered:
        backend, killer = server.backend(), threading.Thread(target=kill)
        killer.start()
        events = [event async for event in Consultant(backend).answer(ASKED)]
        killer.join()
        await backend.close()
        return events[-1]

    last = asyncio.run(listen())
    assert HYPERTENSION.text in last.answer and last.sources == [HYPERTENSION]
    assert last.source == "passages"
    server.process.wait()
    again = start(port=server.port)
    again.until(status="ready", timeout_s=60)
    _, next_ = consult(again.backend(), ASKED)
    assert next_.first_token_ms is not None and HYPERTENSION.text in next_.answer


def test_starved_of_memory_while_loading_it_says_so_and_stays_up_and_the_passage_answers(start):
    server = start(memory=TOO_LITTLE)
    health = server.until(status="failed", timeout_s=60)
    assert "内存不足" in health["message"] and "其他功能不受影响" in health["message"]
    assert server.process.poll() is None
    _, last = consult(server.backend(), ASKED)
    assert (last.answer, last.source) == (HYPERTENSION.text, "passages")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\xfe" * 500 + b"\r\n\r\n",
        b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
    ids=["no HTTP", "endless path", "endless body", "broken chunks"],
)
def test_garbage_on_the_wire_is_turned_away_and_the_next_question_is_answered(smol, garbage):
    with socket.create_connection(("127.0.0.1", smol.port), 5) as wire:
        wire.sendall(garbage)
        wire.settimeout(2)
        with suppress(TimeoutError, ConnectionResetError):  # it waits for the rest, or hangs up: both are right
            assert b" 200 " not in wire.recv(4096)
    assert smol.health()["status"] == "ready"


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe{",
        b"[" * 100_000,
        b'{"messages": [{"role": "user", "content": "\\ud800"}], "max_tokens": 1}',
        b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": 1e308}',
        b'{"messages": "' + b"x" * 2_000_000 + b'"}',
    ],
    ids=["no UTF-8", "a hundred thousand brackets", "half a character", "no end of tokens", "two megabytes"],
)
def test_garbage_in_a_body_is_refused_and_the_next_question_is_answered(smol, content):
    answer = httpx.post(smol.url + CHAT, content=content, timeout=30)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"]["message"]
    hello = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2}
    assert httpx.post(smol.url + CHAT, json=hello, timeout=30).status_code == 200


def test_a_question_longer_than_the_model_can_read_is_answered_by_the_passage(smol):
    _, last = consult(smol.backend(), Asked("高血压平时怎么吃" + "盐" * 20_000, [HYPERTENSION]))
    assert (last.answer, last.source) == (HYPERTENSION.text, "passages")


@contextmanager
def speaking(content: bytes, kind: str):
    """The address of a server that says one thing whatever it is asked."""

    class Speaks(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Speaks)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html>502</html>", "text/html"),
        (b"\xff\x00\xfe" * 100, "text/event-stream"),
        (b"data: {not json}\n\n", "text/event-stream"),
        (b"data: 5\n\n", "text/event-stream"),
        (b'data: {"choices": 7}\n\n', "text/event-stream"),
        (b'data: {"choices": [{"index": 0, "delta": {"content": 5}}]}\n\ndata: [DONE]\n\n', "text/event-stream"),
        (b"", "text/event-stream"),
    ],
    ids=["a page", "noise", "half JSON", "a number", "wrong shape", "wrong type", "nothing"],
)
def test_garbage_out_of_the_endpoint_never_reaches_the_reader(content, kind):
    with speaking(content, kind) as url:
        _, last = consult(OpenAIBackend(url, "none", timeout_s=10), ASKED)
    assert (last.answer, last.source) == (HYPERTENSION.text, "passages")
