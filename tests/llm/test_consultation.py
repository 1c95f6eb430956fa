"""A consultation from question to answer: with no server, with the plumbing's model, with the real one."""

import asyncio
import re
import signal
from dataclasses import replace

import pytest

from llm.backends import BackendUnavailable, OpenAIBackend, Place
from llm.consultation import NOTHING_FOUND, Asked, Delta, Triaged
from llm.registry import DEFAULT_MODEL
from llm.triage import Triage, triage
from llm.triage_rules import UNSURE
from support.consult import HYPERTENSION, consult

NOWHERE = "http://127.0.0.1:9/v1"
STORY = [{"role": "user", "content": "Write a very long story about a river."}]


def test_an_emergency_is_answered_with_no_server_at_all():
    triage("你好")  # the first question of a process reads the phrasings from disk
    events, last = consult(OpenAIBackend(NOWHERE, "none"), Asked("胸口痛得厉害，出冷汗", [HYPERTENSION]))
    assert isinstance(events[0], Triaged) and events[0].triage.rule == "chest_pain"
    assert len(events) == 3 and "120" in last.answer
    assert (last.source, last.model, last.sources, last.first_token_ms) == ("triage", "", [], None)
    assert last.total_ms < 500


def test_with_no_server_the_passage_is_the_answer():
    _, last = consult(OpenAIBackend(NOWHERE, "none"), Asked("高血压平时要注意什么", [HYPERTENSION]))
    assert last.answer == HYPERTENSION.text
    assert (last.source, last.model, last.sources) == ("passages", "", [HYPERTENSION])


def test_where_no_passage_fits_no_model_is_asked_and_the_box_says_so(smol):
    _, last = consult(smol.backend(), Asked("火星上能种水稻吗"))
    assert (last.answer, last.source, last.sources) == (NOTHING_FOUND, "passages", [])


def test_who_asks_for_a_prescription_is_told_kindly_who_decides():
    _, last = consult(OpenAIBackend(NOWHERE, "none"), Asked("高血压吃什么药，一次几片", [HYPERTENSION]))
    assert last.answer.startswith("用什么药") and last.answer.endswith(HYPERTENSION.text)


def test_an_urgent_sign_gets_its_advice_and_the_passage_that_says_the_same_with_no_server_at_all():
    text = "被狗咬伤后马上用肥皂水和流动清水交替冲洗伤口至少15分钟，再用碘伏消毒，当天到狂犬病预防处置门诊打疫苗。"
    dog = replace(HYPERTENSION, id=2, title="被狗咬了怎么办", text=text)
    events, last = consult(OpenAIBackend(NOWHERE, "none"), Asked("被狗咬了", [dog]))
    assert isinstance(events[0], Triaged) and events[0].triage.level == "urgent"
    assert "狂犬病" in last.answer
    assert (last.source, last.model, last.sources) == ("triage", "", [dog])


def test_beside_an_urgent_advice_no_passage_of_something_else_may_quiet_the_reader():
    _, last = consult(OpenAIBackend(NOWHERE, "none"), Asked("被狗咬了", [HYPERTENSION]))
    assert "狂犬病" in last.answer and last.sources == []


def test_where_it_is_not_sure_that_it_is_urgent_the_best_passage_stands_beside(monkeypatch):
    unsure = Triage(UNSURE.level, UNSURE.name, UNSURE.advice)
    monkeypatch.setattr("llm.consultation.triage", lambda question: unsure)
    _, last = consult(OpenAIBackend(NOWHERE, "none"), Asked("说不上来哪里不对", [HYPERTENSION]))
    assert (last.answer, last.source, last.sources) == (UNSURE.advice, "triage", [HYPERTENSION])


def test_health_of_a_server_that_is_not_there_is_down_and_never_raises():
    async def look(url: str) -> str:
        return (await OpenAIBackend(url, "none").health()).state

    assert asyncio.run(look(NOWHERE)) == "down"
    assert asyncio.run(look("http://[broken/v1")) == "down"


def test_a_model_that_makes_no_sense_leaves_the_passage_as_the_answer(smol):
    events, last = consult(smol.backend(), Asked("高血压平时怎么吃", [HYPERTENSION]))
    assert any(isinstance(event, Delta) for event in events)
    assert HYPERTENSION.text in last.answer or last.source == "local"
    assert last.first_token_ms is not None and 0 < last.first_token_ms <= last.total_ms


def test_who_waits_is_told_the_place(smol):
    async def crowd() -> list[str | Place]:
        backends = [smol.backend() for _ in range(4)]

        async def one(backend: OpenAIBackend) -> list[str | Place]:
            try:
                return [piece async for piece in backend.stream(STORY, 40)]
            finally:
                await backend.close()

        return [piece for pieces in await asyncio.gather(*map(one, backends)) for piece in pieces]

    for _ in range(6):  # one who waited in ten was lost where llama.cpp's connections were used again
        assert {piece.place for piece in asyncio.run(crowd()) if isinstance(piece, Place)} == {1, 2}


def test_a_full_queue_is_busy_for_the_client(smol):
    async def crowd() -> list[str]:
        async def one() -> str:
            backend = smol.backend()
            try:
                return "".join([text async for text in backend.stream(STORY, 60) if isinstance(text, str)])
            except BackendUnavailable as refused:
                return refused.code
            finally:
                await backend.close()

        return await asyncio.gather(*(one() for _ in range(8)))

    answers = asyncio.run(crowd())
    assert answers.count("llm_busy") == 4  # two are answered, two wait and are answered then
    told = [answer.strip() for answer in answers if answer != "llm_busy"]
    # One may end early, for how much it says is the model's own affair: never without a word, and not all of them.
    assert all(told) and sum(map(len, told)) > 4 * 40


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
    _, last = consult(server.backend(), Asked("高血压平时怎么吃", [HYPERTENSION]))
    assert (last.answer, last.source) == (HYPERTENSION.text, "passages")


@pytest.mark.slow
def test_the_default_model_answers_a_township_question_in_chinese(qwen):
    _, last = consult(qwen.backend(DEFAULT_MODEL), Asked("高血压平时怎么吃", [HYPERTENSION]))
    chinese = re.findall(r"[一-鿿]", last.answer)
    assert 15 <= len(chinese) <= 300 and "咸菜" in last.answer
    assert re.search(r"医生|就医|医院", last.answer)
    assert last.model.startswith(f"{DEFAULT_MODEL}@cc324af070c2")
    assert (last.source, last.sources) == ("local", [HYPERTENSION])
