"""What names a person does not leave the box; what a doctor needs to know does."""

import tomllib
from pathlib import Path

import pytest

from llm.redact import redact

CASES = tomllib.loads(Path(__file__).with_name("redaction_cases.toml").read_text("utf-8"))["case"]


def leaks(case: dict) -> list[str]:
    """Identifiers of which five characters in a row are still there (short ones: all of it)."""
    out = redact(case["text"])
    return [
        hidden
        for hidden in case["hidden"]
        if hidden in out or (len(hidden) > 6 and any(hidden[at : at + 5] in out for at in range(len(hidden) - 4)))
    ]


def test_identifiers_are_hidden_and_medical_facts_stay():
    assert len(CASES) >= 200
    hidden = sum(len(case["hidden"]) for case in CASES)
    kept = [(words, redact(case["text"])) for case in CASES for words in case["kept"]]
    leaked = [leak for case in CASES for leak in leaks(case)]
    lost = [(words, out) for words, out in kept if words not in out]
    assert len(leaked) <= 0.01 * hidden, leaked
    assert len(lost) <= 0.02 * len(kept), lost


@pytest.mark.parametrize(
    "text", ["", "高血压吃什么", "血压160/95，心率88次/分，体温38.5度", "2024年11月3日开始发烧3天"]
)
def test_a_question_that_names_nobody_stays_as_it_is(text):
    assert redact(text) == text


def test_what_was_hidden_is_hidden_again_without_harm():
    once = redact("我叫张建国，电话13800138000")
    assert redact(once) == once == "我叫〔姓名〕，电话〔电话〕"
