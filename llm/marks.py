"""Marks of how something is said: of when, of whom, denied, feared, read in the news, asked for knowledge.

Words for a danger are the same in an alarm and in a question about it; these marks tell the two apart, and each weighs
what the known phrasings say that it weighs (likeness.py).
"""

import hashlib
import re

import numpy as np

from llm.signs import fired, floor
from llm.triage_floor import FLOOR
from llm.triage_rules import RULES
from llm.wording import normalise

_SAID = {
    "past": r"[年月天周]前(?!开)|去年|前年|前天|上个?月|上周|以前|从前|小时候|早年|年轻时|曾经|上次"
    r"|那[年次回]|生前",
    "over": r"[得犯生发]过|好了|治好|出院|恢复|术后|手术后|后遗症|拆线|拆了|愈合|已经(没|不|好)|退了"
    r"|止住|下去了|查过|好多了|稳定|(冲|挑|取|拿|拉|揉)(出来|干净)|抖掉|消(了|下|快)|好些|消得",
    "denied": r"(?<![有能会是要])(没有?|不|无|未)(发|再|疼|痛|喘|吐|烧|咬|抓|出|流|头|胸|麻|摔|怀|肿|痒"
    r"|想|晕|难受|舒服|影响|破|闷|憋|呼|抽|中|吃|咳|拉)",
    "fine": r"没事|没(什么|啥)(事|感觉)?|没感觉|没症状|正常|精神(好|还|不错|很好|挺好)|能吃能|玩得|吃得(好"
    r"|香|下)|就好|还好|挺好|一下就|没别的|没问题|跟平[时常]|一切都好",
    "mild": r"有(一)?点|一点点?|轻微|稍微|偶尔|一下|一丝",
    "chronic": r"好?(几|多|[两三四五六七八九十\d]+)年了|老毛病|老病|从小|一直这样|经常|平时|每年|老(是"
    r"|犯|觉)|慢性|多年|半年",
    "knowing": r"是什么|什么(是|叫|意思|样的|原因|区别)|(哪些|什么)(症状|表现|前兆)|区别|不同|为什么|为啥"
    r"|怎么(认|看|判断|辨|分辨|选|数|算)|原理|是真的|对不对|有道理",
    "guarding": r"预防|防(护|止|范|备)?|避免|注意|安全|怎么(放|存|收|管|用|戴)|准备|备(一|着|些|个)",
    "tales": r"新闻|电视|电影|小说|抖音|视频|网上|朋友圈|书上|听说|听人|据说|梦|演|游戏|历史|传说|谣言|故事",
    "lessons": r"科普|知识|培训|讲座|讲课|课|作业|论文|作文|写|演讲|考试|考|宣传|海报|想学|学习|了解|好奇"
    r"|请教|志愿|社工|教",
    "if": r"如果|万一|要是|假如|会不会|能不能|可不可以|是不是|要不要",
    "fear": r"怕|担心|放心|吓|紧张",
    "follow": r"复查|复诊|检查|体检|报告|彩超|化验|指标|结节|囊肿|息肉|筛查|挂(号|什么|哪)|报销|医保|多少钱",
    "living": r"能(吃|喝|不能|洗|坐|上|开|干|运动|跑|去|做|结婚|打|停|减)|可以(吃|喝|洗|坐|用|天天)|吃(什么"
    r"|啥|点啥)|怎么(吃|养|练|调理|护理|锻炼|洗|治|照顾|保养|缓解)|忌口|讲究|好不好",
    "how long": r"多久|几天|多长时间|什么时候|几点|几岁|多大|几次|多少(度|克|钱)?(正常|合适|算)",
    "things": r"(牛|猪|羊|鸡|鸭|鹅|猫|狗|鱼|手机|房子|电视|鞋|摩托车?|果树|水管|粮食|玩具)(怎么|坏|掉"
    r"|也|都|吃了|不|打|漏|死|要|被|摔|把|踩|中毒|发动)|拖鞋|沙发|花盆|粮|遥控|报警器|插头|炉子"
    r"|瓶子",
    "idiom": r"(累|困|笑|热|冷|饿|烦|气|吓|痒|馋|愁|急|苦|吵|忙|爱|尴尬|疯|臭|辣|甜)死|死(我|你|他)|要命"
    r"|得慌|开玩笑|吵架|生气|失恋|作业|气得|骂|空落|不听话|不讲理|笑到|吓得|(困|忙|累|热)得",
    "now": r"现在|刚|突然|今[天早晚]|昨[天晚]|一下子|正在|又|半夜|夜里|早上|这两天|这几天|醒来|快",
    "grave": r"厉害|不停|止不住|不[了上住动醒清]了?|不行|受不|越来越|浑身|全身|满|一身|剧|发(紫|青|黑"
    r"|白|凉|硬|烫)|糊涂|迷糊|昏|倒|打滚|冷汗|大片|老高",
    "rescue": r"怎么(救|急救|处理|按|做人工)|急救|救命|快(告诉|说)|怎么办|咋办|要去医院",
    "small": r"小(口|包|刺|红点|疙瘩|木刺|块皮)|红点|印|创可贴|擦破|破(点|了点)?皮|蹭|浅|溅了?一",
    "child": r"宝宝|孩子|娃|婴儿|新生儿|满月|小儿|儿子|女儿|毛毛",
    "number": r"\d{2,}|[一二两三四五六七八九]百|[三四]十",
}
_PATTERNS = [re.compile(pattern) for pattern in _SAID.values()]
SHORT, LONG = 6, 16  # characters: names of things are short, and who tells a story has time
NAMES = (*_SAID, "emergency", "urgent", "floor", "short", "long", "emergency told", "urgent told")
_TELLING = [NAMES.index(name) for name in ("past", "over", "knowing", "guarding", "tales", "lessons", "if", "fear")]


def of(question: str) -> np.ndarray:
    """float32 (NAMES,), 0 or 1 each."""
    text = normalise(question)
    said = [pattern.search(text) is not None for pattern in _PATTERNS]
    levels = {rule.level for rule in fired(text)}
    told = any(said[place] for place in _TELLING)
    emergency, urgent = "emergency" in levels, "urgent" in levels
    size = [len(text) <= SHORT, len(text) >= LONG]
    values = [*said, emergency, urgent, floor(text) is not None, *size, emergency and told, urgent and told]
    return np.array(values, np.float32)


def digest() -> str:
    """Of what makes a mark: the words here, and the rules' patterns behind fired and floor."""
    meaning = re.sub(r"\\n|\s", "", repr((_SAID, SHORT, LONG, RULES, FLOOR)))  # blanks mean nothing in them
    return hashlib.sha256(meaning.encode()).hexdigest()
