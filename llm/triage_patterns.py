"""What a red flag's rule is, and the words that several of them use.

Patterns are regular expressions in verbose form (blanks and line ends mean nothing) over normalised text: simplified
characters, half-width, lower case, no spaces. <name> stands for an entry of WORDS.
"""

import re
from dataclasses import dataclass
from typing import Literal

Level = Literal["emergency", "urgent", "routine"]


@dataclass(frozen=True)
class Rule:
    """Fires when each sign of `all_of` is found, neither denied nor past, in someone who is `who`, and not `unless`.

    Without signs it is found by likeness to known phrasings alone.
    """

    name: str
    level: Level
    all_of: tuple[str, ...]
    advice: str
    who: str = ""
    unless: str = ""


WORDS = {
    "child": "孩子 | 宝宝 | 小孩 | 娃 | 婴儿 | 儿子 | 女儿 | 孙子 | 孙女",
    "chest": """
        (胸口|胸部?|心口窝?|心窝|心前区|前胸|[左右]胸|胸膛|心脏)((?!不|没|无).){0,10}?(疼|痛|闷|发?紧|压|堵|难受
        |憋|撕裂|绞|磨盘|石头)
    """,
    "sweat": "汗",
    "pale": "脸(色|都|也)?(苍白|煞白|惨白|发白|白了|蜡黄|发灰)",
    "faint": "头晕 | 眼前发黑 | 心慌 | 晕 | 迷糊 | 昏",
    "car": """
        车 | 摩托 | 拖拉机 | 三轮 | 电动车 | 牛 | 马 | 骡 | 驴 | 砖 | 石头 | 树 | 墙 | 机器 | 房梁
        | 木头 | 收割机
    """,
    "fever": r"发[高低]?烧 | 发[高低]?热 | 高烧 | 高热 | 烧到 | 体温(3[89]|4\d) | (3[89]|4[01])(\.\d)?度",
    "pregnant": r"羊水 | 破水 | 胎动 | 见红 | 孕妇 |孕妇 | 怀孕 | 有喜 | 怀了 | 孕\d+(周|个月) | 孕[早中晚]期 "
    r"| 身孕",
    "belly": """
        (肚子|肚皮|腹部?|小肚子|小腹|[上下左右]+腹|肚脐|胃)((?!不|没|无).){0,8}?(疼|痛|绞|刀割)
    """,
    "baby": r"""
        新生儿 | (?<!\d)[1-8]\d天的?(宝宝|婴|孩子|娃|小孩|儿子|女儿|孙) | 刚出生 | 未?满月
        | 出生(才|刚|后)?[一二两三四五六七八九十\d]+来?(多)?(天|周) | \d+天大
        | (?<!\d)([12一两二]|一个半|1个半)个?多?月(大|的?(宝宝|婴|孩子|娃|小孩|宝贝|儿子|女儿|孙))
        | (宝宝|孩子|娃|婴儿|宝贝|毛毛|小宝|儿子|女儿|孙子|孙女).{0,4}([1-8]?\d
        |[一二三四五六七八九十]+)天(?!了?没|前|没)(?=$|大|$)
        | (宝宝|孩子|娃|婴儿|宝贝|毛毛|小宝|儿子|女儿|孙子|孙女)(才|刚|只有|还没|生下来|出生)+.{0,3}(\d+天
        |[一二两]个?月)
        | (二十|三十|四十|五十|六十|七十|八十|十)[一二三四五六七八九几多]*天的?(宝宝|婴|孩子|娃|小孩
        |儿子|女儿|孙|毛毛|丫头|崽)
        | (宝宝|孩子|娃|婴儿)[12一两]个?多?月大 | (不到|不满|没到)[一二两三1-3]个月的?(宝宝|婴|孩子|娃)?
        | (生下来|出生).{0,4}(天|周|星期)
        | 满月的?(宝宝|婴|孩子|娃|小孩|宝贝) | 月子里的?(宝宝|婴|孩子|娃)
    """,
}


def compiled(pattern: str) -> re.Pattern:
    """A pattern with its words put in."""
    return re.compile(re.sub(r"<(\w+)>", lambda name: f"(?:{WORDS[name[1]]})", pattern), re.VERBOSE)
