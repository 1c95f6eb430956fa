"""Red flags by rule, before any model speaks. Deterministic: the same question gets the same answer for ever.

Two readings, and either may raise the alarm: patterns (triage_rules.py) for words that people are known to use, and
likeness to known phrasings (triage_examples.tsv) for those that nobody thought of. Doubt goes to the side of safety:
only a plain denial, a clear past or a plain question for knowledge quiets a rule.
"""

import csv
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from llm import embedding
from llm.knowledge import starter_entries
from llm.triage_rules import RULES, RULES_VERSION, WORDS, Level, Rule

__all__ = ["RULES_VERSION", "Triage", "normalise", "triage"]

_TRADITIONAL = str.maketrans(
    "頭暈發燒熱腦風臉麻無說話語氣難過敏腫傷車禍墜樓電農藥殺蟲劑誤讓嬰兒個歲寶懷孕見紅陰體溫壓糖親媽爺這裡邊側癱"
    "嘔噁腸斷時鐘分鐘間後突現狗貓隻被馬蛇鐵釘喉嚨舌緊閉顫搐驚厥癇沒動覺嗎開喝淚關節彎嚴輕輩歷問題腳臟圍",
    "头晕发烧热脑风脸麻无说话语气难过敏肿伤车祸坠楼电农药杀虫剂误让婴儿个岁宝怀孕见红阴体温压糖亲妈爷这里边侧瘫"
    "呕恶肠断时钟分钟间后突现狗猫只被马蛇铁钉喉咙舌紧闭颤搐惊厥痫没动觉吗开喝泪关节弯严轻辈历问题脚脏围",
)
_CLAUSE_END = re.compile(r"[。!?;\n,:]|但是?|(?<![喘透憋受])不过|可是|然而|只是|就是")  # NFKC has made ,;:!? half-width

# A denial reaches to the end of a list ("没有胸痛、气短和出汗") but not over a comma. "有没有", "会不会" only ask.
_DENIAL = (
    r"(?<![有会是能要])(没有?|无|未|不|并非|否认|不再|没再)"
    r"(再|曾|被|让|给|叫|出现|发生|什么|明显|感到|觉得|感觉|有过?|是|会|伴有?|太|怎么|也|发)*"
)
_DENIED = re.compile(rf"({_DENIAL})(呕血|吐血|咳血|便血|胸痛|头痛|头疼|腹痛|呕吐|发烧|发热)?$")
_DENIED_INSIDE = re.compile(r"(没|不)(有|被|再|觉得|感到|怎么|太)*(血|疼|痛|咬|烧|热|吐|闷|抽搐|麻)")
_AND = "、和或及与跟"
_DENIED_LIST = re.compile(rf"({_DENIAL})[^{_AND}]{{1,8}}([{_AND}][^{_AND}]{{0,8}})*[{_AND}]$")
_ENDED = re.compile(
    r"^(过(?![敏去来度程分量])"
    r"|(都|也|倒|是)?(没有?|不存在|已经?(好|消失|停|不[疼痛烧喘])|好了|不[疼痛]了)(?!力|劲|意识|呼吸|用|好|效|精神))"
)

_NUMBER = r"[一二两三四五六七八九十几好多数半\d]+"
_PAST = re.compile(
    rf"{_NUMBER}(多|来)?年(多|来)?(以)?前(?!开始|起)|(去年|前年|上(个)?月|以前|从前|曾经|(?<![抽昏晕])过去|小时候|早年|年轻时|当年|得过|"
    rf"有过|病史|{_NUMBER}个月(以)?前(?!开始|起)|生前|后遗症)"
)
_NOW = re.compile(r"现在|今[天早晚]|刚才?|又|再次|这次|突然|目前|正在|这两天|这几天|昨[天晚]|开始|一直|越来越")
_KNOWLEDGE = re.compile(
    r"预防|怎么(判断|知道|区分|识别)|什么是|是什么(病|意思)|有(哪些|什么)(症状|表现|前兆|危害|区别)|(症状|表现|前兆|区别)(有哪些|是什么)|科普|急救知识|学习|后遗症|"
    r"(什么样的|原因|为何).{0,12}(要去|有哪些|是什么)|的原因|(会|能)传染吗|会遗传吗|怎么看(人)?是不是|(中风|脑梗|偏瘫|卒中|脑出血).{0,4}(病人|老人|后|半年|几年|一年).{0,14}(恢复|锻炼|康复|护理|照顾|活动|吃)|讲课|宣传|培训|演练|学一学|急救法|疫苗(什么时候|要打几针|多少钱)|为什么(会|有些人|有的人|人)"
)
_PREVENTION = re.compile(r"^(怎[么样]|如何|咋)(预)?防|^(夏|冬)天怎么(预)?防|狗要?打狂犬")
_PERSON = re.compile(r"我|他|她|爸|妈|爷|奶|老公|老婆|丈夫|妻子|孩子|儿子|女儿|宝宝|邻居|现在|突然|刚|今天|昨")


EXAMPLES = Path(__file__).with_name("triage_examples.tsv")
NEIGHBOURS = 5
LEAST = 0.9  # likeness of any use: what is nothing like a known red flag is none, however far the rest
QUIET_MARGIN = (
    0.015  # how much nearer to red flags than to routine phrasings, where a question denies or tells of the past
)


@dataclass(frozen=True)
class Triage:
    """`rule` and `advice` are None on "routine". The advice is a whole Chinese text for the person."""

    level: Level
    rule: str | None = None
    advice: str | None = None


@dataclass(frozen=True)
class _Compiled:
    rule: Rule
    all_of: tuple[re.Pattern, ...]
    who: re.Pattern
    unless: re.Pattern


def _compile(pattern: str) -> re.Pattern:
    return re.compile(re.sub(r"<(\w+)>", lambda name: f"(?:{WORDS[name[1]]})", pattern), re.VERBOSE)


_COMPILED = tuple(
    _Compiled(rule, tuple(map(_compile, rule.all_of)), _compile(rule.who), _compile(rule.unless or "(?!)"))
    for rule in RULES
)


def triage(question: str) -> Triage:
    """The first rule that fires, or the one whose known phrasing is nearest; emergencies stand before urgent ones."""
    text = normalise(question)
    if (_KNOWLEDGE.search(text) and not _PERSON.search(text)) or _PREVENTION.search(text):
        return Triage("routine")
    found = next((compiled.rule for compiled in _COMPILED if _fires(compiled, text)), None)
    if found is None or found.level == "urgent":
        alike = _alike(question, text)
        found = alike if found is None or (alike and alike.level == "emergency") else found
    return Triage(found.level, found.name, found.advice) if found else Triage("routine")


def examples() -> list[tuple[str, str, str]]:
    """(level, rule, phrase) of each known phrasing; the rule is "" for a routine one."""
    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        return [(row["level"], row["rule"], row["phrase"]) for row in csv.DictReader(file, delimiter="\t")]


def _alike(question: str, text: str) -> Rule | None:
    """The rule of the red-flag phrasing that a question is nearest to, unless something routine is as near."""
    asked, bank = embedding.of_question(question), _bank()
    if asked is None or bank is None:
        return None
    rules, vectors = bank
    likeness = vectors @ asked
    red = np.array([rule is not None for rule in rules])
    nearer = _nearest(likeness[red]) - _nearest(likeness[~red])
    quiet = re.search(_DENIAL, text) or (_PAST.search(text) and not _NOW.search(text))
    alarm = nearer >= (QUIET_MARGIN if quiet else 0.0) and likeness[red].max() >= LEAST
    return rules[int(np.where(red, likeness, -1).argmax())] if alarm else None


def _nearest(likeness: np.ndarray) -> float:
    """Of the few nearest phrasings the mean likeness, and the nearest once more: one odd neighbour decides nothing."""
    few = np.sort(likeness)[-NEIGHBOURS:]
    return float(few.mean() + few[-1]) / 2


@cache
def _bank() -> tuple[list[Rule | None], np.ndarray] | None:
    """Each example's rule (None for a routine one) and vector; what the starter passages answer is routine as well."""
    by_name = {rule.name: rule for rule in RULES}
    phrases = [(by_name.get(rule), phrase) for _, rule, phrase in examples()]
    phrases += [(None, phrase) for entry in starter_entries() for phrase in (entry.title, *entry.asked)]
    vectors = [embedding.of_question(phrase) for _, phrase in phrases]
    found = [vector for vector in vectors if vector is not None]
    return ([rule for rule, _ in phrases], np.stack(found)) if len(found) == len(phrases) else None


def normalise(question: str) -> str:
    """Half-width, simplified (the characters that the rules need), lower case, without spaces."""
    text = unicodedata.normalize("NFKC", question).lower().translate(_TRADITIONAL)
    return re.sub(r"[^\S\n]+|[\u200b-\u200f\ufeff]", "", text)


def _fires(compiled: _Compiled, text: str) -> bool:
    if compiled.unless.search(text) or not compiled.who.search(text):
        return False
    return all(_stands(sign, text) for sign in compiled.all_of)


def _stands(pattern: re.Pattern, text: str) -> bool:
    """Whether the sign is found in some clause where it is neither denied nor past."""
    return any(not _quiet(clause, match) for clause in _CLAUSE_END.split(text) for match in pattern.finditer(clause))


def _quiet(clause: str, match: re.Match) -> bool:
    before, after = clause[: match.start()], clause[match.end() :]
    if _DENIED_INSIDE.search(match[0]):
        return True
    if _DENIED.search(before) or _DENIED_LIST.search(before) or _ENDED.search(after):
        return True
    return bool(_PAST.search(clause)) and not _NOW.search(clause)
