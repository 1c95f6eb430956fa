"""The language model beside bare llama.cpp: reading and writing speed, the first word of an answer, four at once.

Bare is llama.cpp's own server as xllamacpp carries it, in a process of its own, with nothing of ours before it; its own
timings are taken. The box's figures are what a client sees.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from llm.arrival import default_cache
from llm.download import model_path
from llm.registry import DEFAULT_MODEL, load_models
from support.box import Box

TOKENS = 96
READ = "血压高的人平时要少吃盐，多走动，按时吃药，常量血压。" * 12
WRITE = "请详细说说高血压的人平时怎么吃、怎么动。"
QUESTIONS = ("高血压平时怎么吃", "糖尿病能吃什么水果", "孩子便秘怎么办", "老人怎么防摔", "痛风不能吃什么")
BARE = """
import json, sys, time, xllamacpp, httpx
path, tokens, read, write = json.loads(sys.argv[1])
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel, params.verbosity = path, 4096, 1, 1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
server = xllamacpp.Server(params)
def ask(text, most):
    body = {"messages": [{"role": "user", "content": text}], "max_tokens": most, "temperature": 0}
    body["cache_prompt"] = False
    url = server.listening_address + "/v1/chat/completions"
    return httpx.post(url, json=body, timeout=300, trust_env=False).json()["timings"]
ask(write, 4)
print(json.dumps([ask(read, 1)["prompt_per_second"], ask(write, tokens)["predicted_per_second"]]))
"""


def rows(folder: Path) -> list[dict]:
    """Each row: what, its value, its unit, and its ratio to bare llama.cpp or to one alone."""
    path = model_path(load_models()[DEFAULT_MODEL], default_cache())
    if not path.exists():
        raise SystemExit(f"{DEFAULT_MODEL} is not here yet: xiangyi llm install {DEFAULT_MODEL}")
    bare_read, bare_write = bare(path)
    with language_box(folder) as box, httpx.Client(base_url=f"http://127.0.0.1:{box.llm_port}", timeout=300) as http:
        chat(http, WRITE, 4)
        first_s, read = timed_read(http)
        alone, whole = written(http, [WRITE])
        _, together = written(http, [f"{WRITE}（{number}）" for number in range(4)])
        firsts = [first_token_s(box, question) for question in (*QUESTIONS, *QUESTIONS)]
    (cold_token, cold_word), anew = firsts[0], firsts[1 : len(QUESTIONS)]
    again = firsts[len(QUESTIONS) :]
    return [
        row("bare llama.cpp, reading", bare_read, "tokens/s"),
        row("the box's endpoint, reading, as a client sees it", read, "tokens/s", read / bare_read),
        row("bare llama.cpp, writing", bare_write, "tokens/s"),
        row("the box's endpoint, writing", alone, "tokens/s", alone / bare_write),
        row("the box's endpoint, one alone, by the clock on the wall", whole, "tokens/s"),
        row("the box's endpoint, four at once, by the clock on the wall", together, "tokens/s", together / whole),
        row("first token at the endpoint, prompt never seen", first_s, "s"),
        row("question to the model's first token, first question of all", cold_token, "s"),
        row("… a passage not read before, median", median(token for token, _ in anew), "s"),
        row("… the whole prompt read before, median", median(token for token, _ in again), "s"),
        row("question to the first checked sentence, first question of all", cold_word, "s"),
        row("… a passage not read before, median", median(word for _, word in anew), "s"),
        row("… the whole prompt read before, median", median(word for _, word in again), "s"),
    ]


def row(what: str, value: float, unit: str, ratio: float | None = None) -> dict:
    return {"what": what, "value": round(value, 2), "unit": unit} | ({"ratio": round(ratio, 2)} if ratio else {})


def bare(path: Path) -> tuple[float, float]:
    """llama.cpp's own tokens per second, reading and writing."""
    arguments = json.dumps([str(path), TOKENS, READ, WRITE])
    command = [sys.executable, "-c", BARE, arguments]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    read, write = json.loads(output.splitlines()[-1])
    return read, write


@contextmanager
def language_box(folder: Path) -> Iterator[Box]:
    """A whole box whose language model is up."""
    box = Box(folder).start()
    try:
        box.wait_for_llm(300)
        yield box
    finally:
        box.stop()


def chat(http: httpx.Client, text: str, most: int) -> tuple[float, float, dict]:
    """Seconds to the first token, from it to the last, and the usage."""
    body = {
        "messages": [{"role": "user", "content": text}],
        "max_tokens": most,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    began, first, last, usage = time.perf_counter(), None, 0.0, {}
    with http.stream("POST", "/v1/chat/completions", json=body) as answer:
        for line in answer.iter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line.removeprefix("data: "))
            usage = chunk.get("usage") or usage
            if chunk.get("choices") and chunk["choices"][0]["delta"].get("content"):
                last = time.perf_counter()
                first = first or last
    assert first is not None, "no answer"
    return first - began, last - first, usage


def timed_read(http: httpx.Client) -> tuple[float, float]:
    """Seconds to the first token of a long prompt, and the prompt's tokens per second."""
    first_s, _, usage = chat(http, READ, 1)
    return first_s, usage["prompt_tokens"] / first_s


def written(http: httpx.Client, texts: list[str]) -> tuple[float, float]:
    """Tokens per second: of one answer once it is being written, and of all by the clock on the wall."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(texts)) as people:
        timed = list(people.map(lambda text: chat(http, text, TOKENS), texts))
    took = time.perf_counter() - began
    tokens = [usage["completion_tokens"] for _, _, usage in timed]
    return (tokens[0] - 1) / timed[0][1], sum(tokens) / took


def first_token_s(box: Box, question: str) -> tuple[float, float]:
    """Seconds from a question to the model's first token, and to the first words that anyone is shown: the first
    sentence that passed the checks."""
    with box.client() as client:
        began, shown = time.perf_counter(), 0.0
        headers = {"Accept": "text/event-stream"}
        with client.stream("POST", "/api/v1/consultations", json={"question": question}, headers=headers) as answer:
            event = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                if event == "delta":
                    shown = shown or time.perf_counter() - began
                if event == "done" and line.startswith("data: "):
                    return json.loads(line.removeprefix("data: "))["timingsMs"]["firstToken"] / 1000, shown
    raise AssertionError(f"no answer to {question}")
