"""Cheap checks on what a model says, sentence by sentence, before anyone reads it.

The default model is known to be unsafe when left to itself (it once told someone that nifedipine may be stopped). So
what only a doctor may say (a medicine by name, a dose, stopping one, a diagnosis), and what the passages do not hold,
is cut here by rule.
"""

import re
from collections.abc import Sequence

from llm.grounding import unfounded

MIN_LOOP_CHARS = 8

_SENTENCE = re.compile(r".*?(?:[。！？!?；;\n]+|$)", re.DOTALL)
_CONTROL = re.compile(r"<\|?[a-z_]{2,20}\|?>|^(system|assistant|user)\s*[：:]?\s*$", re.IGNORECASE | re.MULTILINE)
_MARKUP = re.compile(r"\*\*|^#+\s*|`+", re.MULTILINE)
_FOREIGN = re.compile(r"[A-Za-z]{4,}(\s+[A-Za-z]{2,}){3,}|[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff]{3,}")
_DRUG = re.compile(
    r"[一-鿿]{1,4}(地平|沙坦|普利|洛尔|他汀|西林|沙星|霉素|环素|拉唑|替丁|格列|双胍|韦林|他韦|洛芬|噻嗪|呋塞米|沙宗|硝唑)|头孢|青霉素|"
    r"阿司匹林|对乙酰氨基酚|扑热息痛|布洛芬|洛芬|泰诺|美林|利巴韦林|胰岛素|二甲双胍|地西泮|安定片|安眠药|激素药|抗生素|抗病毒药|消炎药|"
    r"降压片|止[痛泻咳][药片]|退[烧热][药片贴栓]|感冒[药灵]|速效救心|开塞露|丹参|板蓝根|连花清瘟|[一-鿿]{2,4}(胶囊|颗粒|口服液|冲剂|缓释片)"
)
_DOSE = re.compile(
    r"\d+(\.\d+)?\s*(mg|毫克|微克|μg|iu|国际单位)(?!/)|(每次|一次|每日|每天|一天)(吃|服|口服|服用|用|喝)?\s*[\d一二两三四半]+\s*(片|粒|袋|支|丸|滴)",
    re.IGNORECASE,
)
_MEDICINE = re.compile(r"药(?!店|房)|松弛剂|镇静剂|抑制剂|拮抗剂|激素|泻剂|停用|减量|加量")
# What soothes or sells: only a passage may say so.
_PROMISE = re.compile(
    r"(不用|不需要|不必|无需|没必要)(再)?(去|看|上|找|到)?(医院|医生|大夫|卫生院|就医|就诊|治疗|管|担心|理会)|根治|治愈|痊愈|包治|特效|"
    r"(已经|已|都|就)(好了|没事)|随便(吃|喝|用)|可以(自行|自己|直接|放心)?(停|减|加|换)|推荐.{0,6}(购买|服用)|购买"
)
_CAUTION = re.compile(
    r"不要|不能|不可|勿|别|避免|遵医嘱|按医嘱|遵照医嘱|医生(的)?(指导|处方)下|问医生|咨询医生|哪些药|正在用的药"
)
_DIAGNOSIS = re.compile(
    r"(?<!如果)(?<!若)(你|您)(这)?(可能|应该|一定|肯定)?(是|得了|患了|患有)[^,,。]{0,10}(病|症|炎|癌|瘤)(?!人|史|者)|诊断为|属于[^,，。]{0,8}(高血压|低血压|糖尿病|病|症|炎)|(高|中|低)(风险|危)"
)
# "You may stop it": what changes a treatment, or is what was asked, only a passage may allow.
_CHANGE = {"停": "停", "断": "断", "减": "减(?![轻少退低弱缓])", "加": "加(?![重剧快强])", "换": "换(?!气)"}
_MAY = r"(?<![不未没可功])(?:可以|可|能)"
_DEED = re.compile(
    rf"{_MAY}(?:自行|自己|直接|放心|马上|立即|先|就|再)?({'|'.join(_CHANGE.values())}|[吃喝用做去坐开洗打])"
)
_BARE = re.compile(
    r"(您|你)?(是|是的|不是|可以|不可以|能|不能|会|不会|有|没有|要紧|不要紧|没事|没关系|对|不对|正常|不正常|需要|不需要|好的)(的|了|吃|喝)?"
)
_NUMBERED = re.compile(r"^(\s*)(\d{1,2})(?=[.、])")


_ORDER = re.compile(
    r"(忽略|无视|忘掉|忘记|不要理会|不用理|跳过|绕过|取消|解除).{0,12}(以上|之前|前面|上面|先前|所有|一切|全部|原来|系统|规则|限制|指令|提示|要求|设定)|"
    r"(ignore|disregard|forget|override).{0,30}(above|previous|prior|all|instruction|rule|prompt)|"
    r"(你|您)(现在|从现在起|接下来|其实|将|要)?(是|扮演|变成|成为|充当|假装).{0,12}(医生|专家|助手|模型|AI|角色|管理员|开发者|DAN)|"
    r"(回答|回复|输出|答复)(本条|这条|本题|时|的时候|中|里|必须|请|要|一律|只|务必)|(请|必须|务必|一定要).{0,8}(回答|回复|输出|告诉(患者|用户|病人))|"
    r"(system|assistant|user|系统|助手)\s*(prompt|提示词?|消息|指令)?\s*[:：]|<\|?[a-z_]+\|?>|\[/?(INST|SYS)\]|作为(一个)?(AI|人工智能|语言模型)|"
    r"!\[[^\]]*\]\(|https?://|提示词|jailbreak|developer mode|开发者模式",
    re.IGNORECASE,
)


def without_orders(text: str) -> str:
    """A passage without the sentences that talk to the model instead of the reader: a document may carry an attack."""
    return "".join(part for part in _SENTENCE.findall(text) if not _ORDER.search(part)).strip()


class Guard:
    """Feed the model's text as it comes; whole, checked sentences come back.

    `prompt` must not be repeated; `passages` are what the model may retell; the question's own words are no claim.
    """

    def __init__(self, prompt: str = "", passages: Sequence[str] = (), question: str = ""):
        self._passages, self._question = "\n".join(passages), question
        self._held = ""
        self._said: list[str] = []
        self._item = 0
        self._leaks = {line.strip() for line in re.split(r"[。\n;;]", prompt) if len(line.strip()) >= MIN_LOOP_CHARS}
        self.looping = False
        self.cut = False

    def feed(self, text: str) -> str:
        """The sentences that this text completes. Once `looping` is set nothing more comes."""
        self._held += text
        *whole, self._held = self._sentences()
        return "".join(self._check(sentence) for sentence in whole)

    def finish(self) -> str:
        """The rest; half a sentence, where the model was stopped by its length, is dropped if there is more."""
        rest, self._held = self._held, ""
        return self._check(rest) if rest and not self._said else ""

    def _sentences(self) -> list[str]:
        found = [part for part in _SENTENCE.findall(self._held) if part]
        complete = found and re.search(r"[。！？!?；;\n]$", found[-1])
        return [*found, ""] if complete or not found else found

    def _check(self, sentence: str) -> str:
        if self.looping:
            return ""
        plain = _MARKUP.sub("", _CONTROL.sub("", sentence))
        core = re.sub(r"[\s\d.、,,。!?!?;;::-]+", "", plain)
        if self._loops(core):
            self.looping = True
            return ""
        if any(leak in plain for leak in self._leaks) or _FOREIGN.search(plain):
            return ""
        if _BARE.fullmatch(core):  # a verdict without its reason: the one thing that no passage can be held against
            return ""
        if self._only_for_doctors(plain) or (
            core and self._passages and unfounded(plain, self._passages, self._question)
        ):
            self.cut = True
            return ""
        if core:
            self._said.append(core)
        return _NUMBERED.sub(self._renumber, plain)

    def _renumber(self, number: re.Match) -> str:
        """Close the gap that a cut item leaves in a list."""
        self._item = 1 if number[2] == "1" else self._item + 1
        return f"{number[1]}{self._item}"

    def _loops(self, core: str) -> bool:
        """The sentence was said before, or says one thing over and over inside itself."""
        again = len(core) >= MIN_LOOP_CHARS and core in self._said
        return again or re.search(r"(.{2,20}?)\1{3,}", core) is not None

    def _only_for_doctors(self, sentence: str) -> bool:
        """Whether it names a medicine or dose, allows or promises what no passage does, tells its use, or diagnoses.

        "不要自行停药" may stay.
        """
        named = [found[0] for pattern in (_DRUG, _DOSE) for found in pattern.finditer(sentence)]
        named += [found[0] for found in _PROMISE.finditer(sentence)]
        if _DIAGNOSIS.search(sentence) or any(name not in self._passages for name in named):
            return True
        if any(not self._allowed(found[1]) for found in _DEED.finditer(sentence)):
            return True
        return bool(_MEDICINE.search(sentence)) and not _CAUTION.search(sentence) and not self._retold(sentence)

    def _allowed(self, deed: str) -> bool:
        """Whether a passage lets one do that. Changing a treatment always counts, another deed if asked about."""
        if deed not in _CHANGE and deed not in self._question:
            return True
        return re.search(rf"{_MAY}[^，。；！？不]{{0,6}}?{_CHANGE.get(deed, deed)}", self._passages) is not None

    def _retold(self, sentence: str) -> bool:
        """Whether all that it says of medicines stands in the passages as well."""
        return all(found[0] in self._passages for found in _MEDICINE.finditer(sentence))
