"""The endpoint outside the box: only with consent, without identifiers, and never in the way of the local answer."""

import asyncio

import pytest

from llm.backends import OpenAIBackend
from llm.consultation import Asked, Sent
from support.consult import HYPERTENSION, consult
from support.outside import ANSWER, Outside

NOWHERE = "http://127.0.0.1:9/v1"
QUESTION = "我叫张建国，电话13800138000，高血压平时吃什么好？"


@pytest.fixture
def outside():
    server = Outside()
    yield server
    server.close()


def ask(outside: Outside, local: OpenAIBackend | None = None, agreed: bool = True):
    far = OpenAIBackend(outside.url, "far", timeout_s=1)
    asked = Asked(QUESTION, [HYPERTENSION], outside=agreed)
    return consult(local or OpenAIBackend(NOWHERE, "none"), asked, far)


def test_what_is_sent_holds_no_identifier_and_is_shown_word_for_word(outside):
    events, last = ask(outside)
    (sent,) = [event for event in events if isinstance(event, Sent)]
    heard = "\n".join(message["content"] for message in outside.heard[0]["messages"])
    assert sent.text in heard and sent.text == last.sent and sent.host == "127.0.0.1"
    assert "张建国" not in heard and "13800138000" not in heard and "高血压平时吃什么好" in heard
    assert last.answer.startswith(ANSWER) and (last.source, last.model) == ("fallback", "far")


def test_without_consent_nothing_leaves(outside):
    _, last = ask(outside, agreed=False)
    assert outside.heard == [] and last.sent is None
    assert last.source == "passages" and HYPERTENSION.text in last.answer


@pytest.mark.parametrize("mood", ["key", "quota", "slow"])
def test_a_failing_endpoint_falls_back_to_the_local_answer(outside, smol, mood):
    outside.mood = mood
    _, last = ask(outside, smol.backend())
    assert last.source in ("local", "passages") and last.answer and last.model != "far"
    assert last.sent  # it left all the same, and the record says so


def test_an_endpoint_that_breaks_off_is_completed_by_the_passage(outside):
    outside.mood = "broken"
    _, last = ask(outside)
    assert last.source == "passages" and HYPERTENSION.text in last.answer


def test_four_people_at_once_are_all_answered(outside):
    async def crowd():
        return await asyncio.gather(*(asyncio.to_thread(ask, outside) for _ in range(4)))

    assert {last.source for _, last in asyncio.run(crowd())} == {"fallback"}
