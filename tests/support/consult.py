"""Ask the consultant, with passages at hand."""

import asyncio

from llm.backends import OpenAIBackend
from llm.consultation import Answered, Asked, Consultant, Delta, Event, Triaged
from llm.knowledge import Passage

HYPERTENSION = Passage(
    1,
    "高血压平时怎么吃",
    "高血压患者每天吃盐不超过5克，少吃咸菜、酱油和腊肉，多吃新鲜蔬菜，戒烟限酒，控制体重，坚持量血压。"
    "不要自行停药。血压控制不好或头痛、胸闷时，请及时到医院看医生。",
    "",
    "",
    False,
)


def consult(
    backend: OpenAIBackend, asked: Asked, fallback: OpenAIBackend | None = None
) -> tuple[list[Event], Answered]:
    """All events: the triage comes first, the answer last, and the deltas are the answer."""

    async def collect() -> list[Event]:
        events = [event async for event in Consultant(backend, fallback).answer(asked)]
        await backend.close()
        if fallback is not None:
            await fallback.close()
        return events

    events = asyncio.run(collect())
    first, *_, last = events
    assert isinstance(first, Triaged) and isinstance(last, Answered)
    assert "".join(event.text for event in events if isinstance(event, Delta)).strip() == last.answer
    return events, last
