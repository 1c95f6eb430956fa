"""llama.cpp itself: load a model, turn messages into tokens, yield an answer's text. One caller at a time generates."""

import ctypes
import os
import re
import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from llm import environ
from llm.errors import ArrivalError, GenerationFailed
from llm.stops import TextStream

Finish = Literal["stop", "length"]
BATCH_TOKENS = 512
_NO_LIBRARY = "本地模型运行库无法载入。请执行：sudo apt-get install -y libgomp1 ，之后会自动继续。"
_NO_MODEL = "模型文件 {0} 无法载入：文件损坏、不是对话模型，或内存不足。请重新拷贝。"
_CONTROL = re.compile(r"<\|[^|<>\s]{1,40}\|>")


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn. `max_tokens` None: as long as the context allows."""

    max_tokens: int | None = None
    temperature: float = 0.7
    top_p: float = 0.9
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """Some text of an answer and the tokens made so far; the last piece says why it ended."""

    text: str
    tokens: int
    finish: Finish | None = None


class Runner:
    """One model in one llama.cpp context of `context` tokens; `threads` 0: one per core.

    A prompt's common prefix with the one before is not computed again.
    """

    def __init__(self, path: Path, context: int, threads: int):
        """Raises ArrivalError when there is no such model in the file or no memory for it."""
        environ.prepare_llama()
        try:
            import llama_cpp
        except (ImportError, OSError, RuntimeError) as error:
            raise ArrivalError(_NO_LIBRARY) from error
        self._api: Any = llama_cpp
        self._cancelled = threading.Event()
        self._abort = llama_cpp.llama_cpp.ggml_abort_callback(lambda _: self._cancelled.is_set())
        self.context = context
        cores = threads or len(os.sched_getaffinity(0))
        try:
            self._llama = llama_cpp.Llama(
                str(path), n_ctx=context, n_batch=BATCH_TOKENS, n_threads=cores, n_threads_batch=cores, verbose=False
            )
            self._template = self._chat_template()
        except (ValueError, OSError, KeyError) as error:
            raise ArrivalError(_NO_MODEL.format(path.name)) from error

    def tokens(self, messages: list[dict[str, str]]) -> list[int]:
        """The prompt. Control words inside a message lose their power. Safe from any thread. Raises ValueError."""
        plain = [{**message, "content": _CONTROL.sub("", message["content"])} for message in messages]
        prompt = self._template(messages=plain).prompt
        return self._llama.tokenize(prompt.encode(), add_bos=False, special=True)

    def generate(self, prompt: list[int], sampling: Sampling, cancelled: threading.Event) -> Iterator[Piece]:
        """Yield the answer; ends without a last piece once `cancelled` is set. Raises GenerationFailed."""
        self._cancelled = cancelled
        most = self.context - len(prompt) if sampling.max_tokens is None else sampling.max_tokens
        text = TextStream(sampling.stop)
        count = 0
        finish: Finish = "length"
        with closing(self._sample(prompt, sampling)) as drawn:
            for token in drawn:
                if cancelled.is_set():
                    return
                if self._api.llama_vocab_is_eog(self._vocab, token):
                    finish = "stop"
                    break
                count += 1
                yield Piece(text.feed(self._llama.detokenize([token])), count)
                if text.stopped:
                    finish = "stop"
                if text.stopped or count >= most:
                    break
        yield Piece(text.finish(), count, finish)

    def close(self) -> None:
        """Free the model's memory."""
        self._llama.close()

    @property
    def _vocab(self) -> Any:
        return self._llama._model.vocab

    def _sample(self, prompt: list[int], sampling: Sampling) -> Generator[int, None, None]:
        """Tokens as llama.cpp draws them. The prompt, which may take seconds, is aborted when cancelled.

        The abort callback is taken off for the tokens that follow: called for every node of the graph, it slows them.
        """
        self._llama.set_seed(self._api.LLAMA_DEFAULT_SEED if sampling.seed is None else sampling.seed)
        drawn = self._llama.generate(
            prompt,
            temp=sampling.temperature,
            top_p=sampling.top_p,
            frequency_penalty=sampling.frequency_penalty,
            presence_penalty=sampling.presence_penalty,
        )
        try:
            self._set_abort(self._abort)
            first = next(drawn)
            self._set_abort(type(self._abort)())
            yield first
            yield from drawn
        except RuntimeError as error:
            if not self._cancelled.is_set():
                raise GenerationFailed(str(error)) from error
        finally:
            self._set_abort(type(self._abort)())
            drawn.close()

    def _set_abort(self, callback: Any) -> None:
        self._api.llama_set_abort_callback(self._llama._ctx.ctx, callback, ctypes.c_void_p(None))

    def _chat_template(self) -> Any:
        """The model's own template. Raises KeyError for a base model, which has none."""
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        template = self._llama.metadata["tokenizer.chat_template"]
        bos, eos = (self._word(token) for token in (self._llama.token_bos(), self._llama.token_eos()))
        return Jinja2ChatFormatter(template=template, eos_token=eos, bos_token=bos)

    def _word(self, token: int) -> str:
        return self._llama._model.token_get_text(token) if token >= 0 else ""
