"""Which red flags' patterns stand in a question: found in a clause where they are neither denied nor past."""

import re
from dataclasses import dataclass

from llm.triage_floor import dangers
from llm.triage_patterns import compiled
from llm.triage_rules import RULES, Rule

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


@dataclass(frozen=True)
class _Compiled:
    rule: Rule
    all_of: tuple[re.Pattern, ...]
    who: re.Pattern
    unless: re.Pattern


_COMPILED = tuple(
    _Compiled(rule, tuple(map(compiled, rule.all_of)), compiled(rule.who), compiled(rule.unless or "(?!)"))
    for rule in RULES
)
_BY_NAME = {rule.name: rule for rule in RULES}


def fired(text: str) -> list[Rule]:
    """The rules whose patterns stand in a normalised text, emergencies first."""
    return [each.rule for each in _COMPILED if _fires(each, text)]


def floor(text: str) -> Rule | None:
    """The rule of the first plain sign of mortal danger in a normalised text: no likeness may veto it."""
    for name, signs, clauses in dangers(_CLAUSE_END.split(text)):
        if all(_stands(sign, clauses) for sign in signs):
            return _BY_NAME[name]
    return None


def _fires(each: _Compiled, text: str) -> bool:
    if not each.all_of or each.unless.search(text) or not each.who.search(text):
        return False
    clauses = _CLAUSE_END.split(text)
    return all(_stands(sign, clauses) for sign in each.all_of)


def _stands(pattern: re.Pattern, clauses: list[str]) -> bool:
    """Whether the sign is found in some clause where it is neither denied nor past."""
    return any(not _quiet(clause, match) for clause in clauses for match in pattern.finditer(clause))


def _quiet(clause: str, match: re.Match) -> bool:
    before, after = clause[: match.start()], clause[match.end() :]
    if _DENIED_INSIDE.search(match[0]):
        return True
    if _DENIED.search(before) or _DENIED_LIST.search(before) or _ENDED.search(after):
        return True
    return bool(_PAST.search(clause)) and not _NOW.search(clause)
