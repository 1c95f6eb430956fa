"""One question, one answer: red flags by rule first, then the model, with its words checked on the way."""

import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal

from llm.backends import OpenAIBackend
from llm.guards import CUT_NOTE, Guard
from llm.triage import Triage, triage

DISCLAIMER = "本回答由 AI 生成，仅供参考，不能代替医生诊断。身体不适请及时就医，紧急情况请拨打 120。"
RULE_DISCLAIMER = "本建议由固定的急症规则给出，不能代替医生诊断。身体不适请及时就医，紧急情况请拨打 120。"
MAX_ANSWER_TOKENS = 260
NOTHING_SAFE = "这个问题我没有把握回答。请到乡镇卫生院当面咨询医生，并带上以往的病历和正在用的药。"

SYSTEM_PROMPT = """你是乡镇卫生院的健康科普助手，用通俗的中文回答老百姓的问题。
只讲公认的日常保健和生活护理：饮食、作息、活动、居家护理、自我观察。
不下诊断，不说任何药名、剂量和偏方，不谈停药、换药或加药。
先用一句话回答，再写三条做法，每条一行、不超过 30 字、不分小点，最后一句写出现哪些情况要去看医生。
不确定的就说不确定，并建议看医生。总共不超过 150 个字。不用客套话。"""
SEE_A_DOCTOR = "\n如果症状没有好转、加重或反复，请及时到医院看医生。"
_DOCTOR = re.compile(r"医生|医院|就医|就诊|卫生院")


@dataclass(frozen=True)
class Source:
    """A passage that an answer rests on."""

    title: str
    passage: str
    url: str


@dataclass(frozen=True)
class Triaged:
    """First event, at once."""

    triage: Triage


@dataclass(frozen=True)
class Delta:
    """More text of the answer."""

    text: str


@dataclass(frozen=True)
class Answered:
    """Last event. `answer` is what the deltas said, joined. Times are from the question on."""

    answer: str
    triage: Triage
    sources: list[Source]
    source: Literal["local", "triage"]
    model: str
    first_token_ms: float | None
    total_ms: float


Event = Triaged | Delta | Answered


@dataclass
class _Draft:
    """An answer as it grows; times in seconds of the monotonic clock."""

    start: float = field(default_factory=time.monotonic)
    first: float | None = None
    parts: list[str] = field(default_factory=list)

    def add(self, text: str) -> list[Delta]:
        """The event for this text, if there is any."""
        text = text if self.parts else text.lstrip()
        if not text:
            return []
        self.parts.append(text)
        return [Delta(text)]

    def answered(self, found: Triage, source: Literal["local", "triage"], model: str) -> Answered:
        first_ms = None if self.first is None else (self.first - self.start) * 1000
        total_ms = (time.monotonic() - self.start) * 1000
        return Answered("".join(self.parts).strip(), found, [], source, model, first_ms, total_ms)


class Consultant:
    """Answers questions with one backend."""

    def __init__(self, backend: OpenAIBackend):
        self._backend = backend

    async def answer(self, question: str) -> AsyncGenerator[Event, None]:
        """Triaged, then Deltas, then one Answered. Raises BackendUnavailable, but never when a rule has advice."""
        draft = _Draft()
        found = triage(question)
        yield Triaged(found)
        if found.advice:
            # What a small closed-book model adds to an urgent advice was found to be weak, so it adds nothing.
            for delta in draft.add(found.advice):
                yield delta
            yield draft.answered(found, "triage", "")
            return
        async with aclosing(self._speak(_messages(question), draft)) as deltas:
            async for delta in deltas:
                yield delta
        yield draft.answered(found, "local", self._backend.model)

    async def _speak(self, messages: list[dict], draft: _Draft) -> AsyncGenerator[Delta, None]:
        """What the model says, as far as it may be shown."""
        guard = Guard(SYSTEM_PROMPT)
        async with aclosing(self._backend.stream(messages, MAX_ANSWER_TOKENS)) as texts:
            async for text in texts:
                draft.first = draft.first or time.monotonic()
                for delta in draft.add(guard.feed(text)):
                    yield delta
                if guard.looping:
                    break
        for delta in draft.add(guard.finish()):
            yield delta
        for delta in draft.add(_closing("".join(draft.parts), guard.cut)):
            yield delta


def _closing(said: str, cut: bool) -> str:
    """What the model left out and every answer must have: when to see a doctor, and that something was cut."""
    if not said.strip():
        return NOTHING_SAFE
    return ("" if _DOCTOR.search(said) else SEE_A_DOCTOR) + (CUT_NOTE if cut else "")


def _messages(question: str) -> list[dict]:
    return [{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": question.strip()}]
