"""One question, one answer: red flags by rule first, then a model that may only retell passages, checked on the way."""

import re
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal

from llm.backends import BackendUnavailable, OpenAIBackend, Place, Speaker
from llm.grounding import cited, share_held, supports
from llm.guards import Guard, without_orders
from llm.instructions import SYSTEM_PROMPT
from llm.knowledge import Passage
from llm.redact import redact
from llm.triage import Triage, triage
from llm.triage_rules import UNSURE

DISCLAIMER = "本回答由 AI 生成，仅供参考，不能代替医生诊断。身体不适请及时就医，紧急情况请拨打 120。"
RULE_DISCLAIMER = "本建议由固定的急症规则给出，不能代替医生诊断。身体不适请及时就医，紧急情况请拨打 120。"
PASSAGE_DISCLAIMER = "以上是资料原文，仅供参考，不能代替医生诊断。身体不适请及时就医，紧急情况请拨打 120。"
MAX_ANSWER_TOKENS = 220
HISTORY_TURNS = 2
HISTORY_CHARACTERS = 200
RETOLD = 0.6  # of a passage; an answer that retells less of it is followed by the passage itself
LEAST_SAID = 12  # characters; when the checks leave less of an answer, the passage itself is the better answer

NOTHING_FOUND = (
    "这个问题在本机的资料里没有找到依据，我不能随意回答。请到乡镇卫生院当面咨询医生，带上以往的病历和正在用的药；"
    "如果症状突然加重或您很担心，请马上就医，紧急情况拨打 120。"
)
IN_FULL = "资料原文："
DOCTOR_DECIDES = "用什么药、用多少，要由医生看过您以后决定，我不能开药，也不能定剂量。\n"
CUT_NOTE = "\n（有几句话在资料里找不到依据，已略去，请以资料和医生的意见为准。）"
SEE_A_DOCTOR = "\n如果症状没有好转、加重或反复，请及时到医院看医生。"

_DOCTOR = re.compile(r"医生|医院|就医|就诊|卫生院|120")
_PRESCRIPTION = re.compile(
    r"(吃|用|服|开|买|打|挂|输)(点|些|个)?(什么|啥|哪种|哪些|多少|几)(样|种|个)?.{0,4}(药|针|片|粒|胶囊|毫克|点滴|水)|几片|几粒|"
    r"多少毫克|多大剂量|剂量(是|多)|用量|开(个|点|些)?(药|方子|处方)|怎么用药|(药|片|胶囊).{0,6}(吃|用|加到|服)(多少|几|多大)"
)

Written = Literal["local", "fallback", "passages", "triage"]


@dataclass(frozen=True)
class Asked:
    """A question with what may be used for its answer.

    `passages` best first; `history` earlier questions and answers of this consultation; `findings` of a study, as
    text; `outside` tells that the person agreed to have this question sent to the endpoint that an admin set up.
    """

    question: str
    passages: Sequence[Passage] = ()
    history: Sequence[tuple[str, str]] = ()
    findings: str = ""
    outside: bool = False


@dataclass(frozen=True)
class Triaged:
    """First event, at once."""

    triage: Triage


@dataclass(frozen=True)
class Queued:
    """So many are before this question, this one counted."""

    place: int


@dataclass(frozen=True)
class Sent:
    """What left the box, word for word."""

    text: str
    host: str


@dataclass(frozen=True)
class Delta:
    """More text of the answer."""

    text: str


@dataclass(frozen=True)
class Answered:
    """Last event. `answer` is what the deltas said, joined; `sources` the passages that it rests on.

    Times are from the question on; `sent` is what left the box, if anything did.
    """

    answer: str
    triage: Triage
    sources: list[Passage]
    source: Written
    model: str
    first_token_ms: float | None
    total_ms: float
    sent: str | None = None


Event = Triaged | Queued | Sent | Delta | Answered


@dataclass
class _Draft:
    """An answer as it grows; times in seconds of the monotonic clock."""

    start: float = field(default_factory=time.monotonic)
    first: float | None = None
    parts: list[str] = field(default_factory=list)
    sent: str | None = None
    model: str = ""

    @property
    def text(self) -> str:
        return "".join(self.parts).strip()

    @property
    def said(self) -> bool:
        """Whether a model's part of the answer is worth anything yet."""
        return len(self.text.removeprefix(DOCTOR_DECIDES.strip()).strip()) >= LEAST_SAID

    def add(self, text: str) -> list[Delta]:
        """The event for this text, if there is any."""
        text = text if self.parts else text.lstrip()
        if not text:
            return []
        self.parts.append(text)
        return [Delta(text)]

    def answered(self, found: Triage, sources: Sequence[Passage], source: Written, model: str = "") -> Answered:
        first_ms = None if self.first is None else (self.first - self.start) * 1000
        total_ms = (time.monotonic() - self.start) * 1000
        return Answered(self.text, found, list(sources), source, model, first_ms, total_ms, self.sent)


class Consultant:
    """Answers with the box's own model; with `fallback` instead, for those who agree, once an admin set it up."""

    _passages: tuple[Written, str] = ("passages", "")

    def __init__(self, local: OpenAIBackend, fallback: OpenAIBackend | None = None):
        self.local, self.fallback = local, fallback

    async def answer(self, asked: Asked) -> AsyncGenerator[Event, None]:
        """Triaged, then Queued, Sent and Deltas, then one Answered. With no model at all the passage is the answer."""
        draft, found = _Draft(), triage(asked.question)
        yield Triaged(found)
        known = _without_model(asked, found)
        if known is not None:
            text, sources, written = known
            for delta in draft.add(text):
                yield delta
            yield draft.answered(found, sources, written)
            return
        source, model = self._passages
        for backend, written in self._backends(asked):
            try:
                async with aclosing(self._speak(backend, asked, draft)) as events:
                    async for event in events:
                        yield event
            except BackendUnavailable:
                if draft.parts:  # broken off in the middle: what was said stands, and the passage completes it
                    break
                continue
            if draft.said:
                source, model = written, draft.model
            break
        for delta in _complete(asked, draft, source):
            yield delta
        yield draft.answered(found, cited(draft.text, asked.passages), source, model)

    def _backends(self, asked: Asked) -> list[tuple[OpenAIBackend, Written]]:
        outside: list[tuple[OpenAIBackend, Written]] = []
        if asked.outside and self.fallback is not None:
            outside = [(self.fallback, "fallback")]
        return [*outside, (self.local, "local")]

    async def _speak(self, backend: OpenAIBackend, asked: Asked, draft: _Draft) -> AsyncGenerator[Event, None]:
        """What one model says, as far as it may be shown."""
        leaves = backend is self.fallback
        messages = _messages(asked, leaves)
        if leaves:
            draft.sent = "\n".join(message["content"] for message in messages[1:])
            yield Sent(draft.sent, backend.host)
        texts_held = [*(without_orders(passage.text) for passage in asked.passages), asked.findings]
        guard = Guard(SYSTEM_PROMPT, texts_held, asked.question)
        async with aclosing(backend.stream(messages, MAX_ANSWER_TOKENS)) as texts:
            async for text in texts:
                if isinstance(text, Place):
                    yield Queued(text.place)
                if isinstance(text, Speaker):
                    draft.model = text.model
                if not isinstance(text, str):
                    continue
                draft.first = draft.first or time.monotonic()
                for delta in draft.add(_refused(asked, draft) + guard.feed(text)):
                    yield delta
                if guard.looping:
                    break
        for delta in draft.add(guard.finish() + (CUT_NOTE if guard.cut and draft.said else "")):
            yield delta


def _without_model(asked: Asked, found: Triage) -> tuple[str, Sequence[Passage], Written] | None:
    """The answer, its sources and who wrote it, where no model has a word in it; None where one may speak.

    A red flag's advice is the whole answer; for an urgent one a passage that says the same stands beside it. Another
    one would quiet: "piles" beside "have the blood in your stool looked at". Where it is not sure that it is one at
    all, the best passage stands there in any case.
    """
    if found.advice:
        unsure = found.rule == UNSURE.name
        beside = [passage for passage in asked.passages[:1] if unsure or supports(passage, found.advice)]
        return found.advice, beside if found.level == "urgent" else (), "triage"
    return None if asked.passages else (NOTHING_FOUND, (), "passages")


def _refused(asked: Asked, draft: _Draft) -> str:
    """The kind word that stands first when someone asks what only a doctor decides."""
    return "" if draft.parts or not _PRESCRIPTION.search(asked.question) else DOCTOR_DECIDES


def _complete(asked: Asked, draft: _Draft, source: Written) -> list[Delta]:
    """What each answer must have: the passage itself where no model could retell it, and when to see a doctor."""
    best, deltas = without_orders(asked.passages[0].text), list[Delta]()
    if source == "passages":
        deltas += draft.add(_refused(asked, draft) or ("\n" if draft.said else ""))
        deltas += draft.add(best)
    elif share_held(best, draft.text) < RETOLD:
        deltas += draft.add(f"\n\n{IN_FULL}{best}")
    if not _DOCTOR.search(draft.text):
        deltas += draft.add(SEE_A_DOCTOR)
    return deltas


def _messages(asked: Asked, leaves: bool) -> list[dict[str, str]]:
    """What the model reads; with everything that names a person taken out when it leaves the box."""
    clean = redact if leaves else str
    messages = [{"role": "system", "content": SYSTEM_PROMPT}]
    for question, answer in asked.history[-HISTORY_TURNS:]:
        messages.append({"role": "user", "content": clean(question)[:HISTORY_CHARACTERS]})
        messages.append({"role": "assistant", "content": clean(answer)[:HISTORY_CHARACTERS]})
    passages = "\n".join(f"{passage.title}：{without_orders(passage.text)}" for passage in asked.passages)
    findings = f"\n影像测量：{clean(asked.findings)}" if asked.findings else ""
    content = f"资料：\n{passages}{findings}\n\n问题：{clean(asked.question.strip())}\n请根据资料回答："
    return [*messages, {"role": "user", "content": content}]
