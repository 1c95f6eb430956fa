"""A consultation from question to answer: with no server, with the plumbing's model, with the real one."""

import asyncio
import re
import signal

import pytest

from llm.backends import BackendUnavailable, OpenAIBackend
from llm.consultation import Answered, Consultant, Delta, Event, Triaged
from llm.registry import DEFAULT_MODEL

NOWHERE = "http://127.0.0.1:9/v1"
STORY = [{"role": "user", "content": "Write a very long story about a river."}]


def consult(backend: OpenAIBackend, question: str) -> tuple[Triaged, list[Delta], Answered]:
    """The events, which must come in this order."""

    async def collect() -> list[Event]:
        events = [event async for event in Consultant(backend).answer(question)]
        await backend.close()
        return events

    first, *middle, last = asyncio.run(collect())
    deltas = [event for event in middle if isinstance(event, Delta)]
    assert isinstance(first, Triaged) and isinstance(last, Answered) and len(deltas) == len(middle)
    return first, deltas, last


def test_an_emergency_is_answered_with_no_server_at_all():
    first, deltas, last = consult(OpenAIBackend(NOWHERE, "none"), "胸口痛得厉害，出冷汗")
    assert first.triage.rule == "chest_pain"
    assert [delta.text for delta in deltas] == [last.answer]
    assert "120" in last.answer
    assert (last.source, last.model, last.sources, last.first_token_ms) == ("triage", "", [], None)
    assert last.total_ms < 500


def test_an_everyday_question_with_no_server_says_so_in_chinese():
    with pytest.raises(BackendUnavailable, match="llm_down") as failed:
        consult(OpenAIBackend(NOWHERE, "none"), "高血压平时要注意什么")
    assert "没有响应" in failed.value.message_zh


def test_an_urgent_sign_gets_its_advice_with_no_server_at_all():
    first, _, last = consult(OpenAIBackend(NOWHERE, "none"), "被狗咬了")
    assert first.triage.level == "urgent"
    assert "狂犬病" in last.answer
    assert (last.source, last.model) == ("triage", "")


def test_health_of_a_server_that_is_not_there_is_down_and_never_raises():
    async def look(url: str) -> str:
        return (await OpenAIBackend(url, "none").health()).state

    assert asyncio.run(look(NOWHERE)) == "down"
    assert asyncio.run(look("http://[broken/v1")) == "down"


def test_the_events_come_in_order_and_the_deltas_are_the_answer(smol):
    _, deltas, last = consult(smol.backend(), "腰痛怎么锻炼")
    assert "".join(delta.text for delta in deltas).strip() == last.answer
    assert (last.source, last.model) == ("local", "smollm2-135m")
    assert last.first_token_ms is not None and 0 < last.first_token_ms <= last.total_ms


def test_a_full_queue_is_busy_for_the_client(smol):
    async def crowd() -> list[str]:
        async def one() -> str:
            backend = smol.backend()
            try:
                return "".join([text async for text in backend.stream(STORY, 60)])
            except BackendUnavailable as refused:
                return refused.code
            finally:
                await backend.close()

        return await asyncio.gather(*(one() for _ in range(8)))

    answers = asyncio.run(crowd())
    assert answers.count("llm_busy") == 4  # two are answered, two wait
    assert sum(len(answer) > 40 for answer in answers) == 8 - answers.count("llm_busy")


def test_a_server_killed_in_the_middle_of_an_answer_is_down_and_a_new_one_serves(start):
    server = start()
    server.until(status="ready", timeout_s=60)

    async def listen() -> None:
        async for _ in server.backend().stream(STORY, 2000):
            server.process.send_signal(signal.SIGKILL)

    with pytest.raises(BackendUnavailable, match="llm_down"):
        asyncio.run(listen())
    server.process.wait()
    assert asyncio.run(server.backend().health()).state == "down"
    start(port=server.port).until(status="ready", timeout_s=60)
    assert asyncio.run(server.backend().health()).state == "ready"


def test_a_model_that_is_off_says_why(start, tmp_path):
    server = start(cache=tmp_path, install=False)
    server.until(status="off")
    assert asyncio.run(server.backend().health()).state == "off"
    with pytest.raises(BackendUnavailable, match="llm_off") as refused:
        consult(server.backend(), "腰痛怎么办")
    assert "不允许自动下载" in refused.value.message_zh


@pytest.mark.slow
def test_the_default_model_answers_a_township_question_in_chinese(start):
    server = start(model=DEFAULT_MODEL)
    server.until(status="ready", timeout_s=1800)
    _, _, last = consult(server.backend(DEFAULT_MODEL), "高血压平时要注意什么")
    chinese = re.findall(r"[一-鿿]", last.answer)
    assert 30 <= len(chinese) <= 400
    assert re.search(r"盐|运动|血压", last.answer) and re.search(r"医生|就医|医院", last.answer)
    assert last.model == DEFAULT_MODEL
