"""Whether a sentence stands on the passages that it was given: its numbers, its departments, and most of its words."""

import re
from collections.abc import Sequence

from llm.knowledge import Passage, pairs

# Share of a sentence's character pairs, the question's own apart, that the passages must hold; see llm/README.md.
SUPPORTED = 0.5
CITED = 0.35

_ARABIC = re.compile(r"\d+(?:\.\d+)?")
_AMOUNT = re.compile(r"\d+(?:\.\d+)?(?:/\d+|[^\d\s])")
_UNITS = "天|周|次|个|分|小时|岁|年|月|克|毫|公斤|斤|两|杯|度|点|遍|成|倍|米|厘|步|针|剂|片|粒|种|餐|顿|勺|碗"
_CHINESE = re.compile(rf"[二两三四五六七八九十百半]+(?=[多来几]?(?:{_UNITS}))")
_DIGITS = {"二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_ITEM = re.compile(r"^\s*(?:\d{1,2}|[一二三四五六七八九十])[.、)）．:：]\s*")
_DEPARTMENT = re.compile(r"[一-鿿]{1,4}科(?!学|普|技|目)")
_ROUTINE = (
    "请及时到医院看医生就医就诊咨询医生的建议如果出现不适症状没有好转加重或反复紧急情况拨打可以应该需要注意避免保持"
)


def numbers(text: str) -> set[str]:
    """The amounts in a text, Chinese numerals before a unit among them; "一" says too little to count."""
    found = {f"{float(number):g}" for number in _ARABIC.findall(_ITEM.sub("", text))}
    return found | {str(value) for numeral in _CHINESE.findall(text) if (value := _value(numeral)) is not None}


def unfounded(sentence: str, passages: str, question: str) -> bool:
    """Whether a sentence claims what `passages` do not hold; only its numbers may come from the question as well.

    The question's own words neither help nor harm: a small model likes to turn a question into its answer ("the
    pressure is down, may I stop" into "you may stop"), and what is left then stands on nothing.
    """
    if not numbers(sentence) <= numbers(passages) | numbers("，".join(_repeated(sentence, question))):
        return True
    if any(not _known(department, passages) for department in _DEPARTMENT.findall(sentence)):
        return True
    asked = set(pairs(question))
    said = [pair for pair in pairs(_ITEM.sub("", sentence)) if pair not in asked]
    held = {*pairs(passages), *pairs(_ROUTINE)}
    return sum(pair in held for pair in said) < max(1.0, SUPPORTED * len(said))


def _repeated(sentence: str, question: str) -> list[str]:
    """The amounts that a sentence repeats from the question, unit and all: "turn every number into 100" gives none."""
    return [found[0] for found in _AMOUNT.finditer(sentence) if found[0] in question]


def share_held(text: str, answer: str) -> float:
    """How much of a passage's text an answer retells, 0…1."""
    wanted = set(pairs(text))
    return len(wanted & set(pairs(answer))) / max(1, len(wanted))


def cited(answer: str, passages: Sequence[Passage]) -> list[Passage]:
    """The passages that an answer rests on: which holds most of it, and the others that hold enough."""
    shares = [_share(answer, passage) for passage in passages]
    return [passage for passage, share in zip(passages, shares, strict=True) if share == max(shares) or share >= CITED]


def supports(passage: Passage, advice: str) -> bool:
    """Whether a passage says what an advice says, so that it may stand beside it."""
    return _share(advice, passage) >= CITED


def _share(answer: str, passage: Passage) -> float:
    """How much of an answer a passage holds, 0…1."""
    said = set(pairs(answer))
    return len(said & set(pairs(passage.title + "。" + passage.text))) / max(1, len(said))


def _known(department: str, basis: str) -> bool:
    """The words before "科" have no clear start: "去眼科" is known when "眼科" is."""
    return any(department[start:] in basis for start in range(len(department) - 1))


def _value(numeral: str) -> int | None:
    if numeral == "半":
        return None
    if "百" in numeral:
        return None if numeral != "百" else 100
    if "十" not in numeral:
        return _DIGITS.get(numeral)
    tens, _, ones = numeral.partition("十")
    return _DIGITS.get(tens, 1 if not tens else 0) * 10 + _DIGITS.get(ones, 0)
