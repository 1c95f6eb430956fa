"""A question's characters before they are read: one way of writing, and the groups that they are compared by."""

import re
import unicodedata

from llm.knowledge import canonical

_TRADITIONAL = str.maketrans(
    "頭暈發燒熱腦風臉麻無說話語氣難過敏腫傷車禍墜樓電農藥殺蟲劑誤讓嬰兒個歲寶懷孕見紅陰體溫壓糖親媽爺這裡邊側癱"
    "嘔噁腸斷時鐘分鐘間後突現狗貓隻被馬蛇鐵釘喉嚨舌緊閉顫搐驚厥癇沒動覺嗎開喝淚關節彎嚴輕輩歷問題腳臟圍",
    "头晕发烧热脑风脸麻无说话语气难过敏肿伤车祸坠楼电农药杀虫剂误让婴儿个岁宝怀孕见红阴体温压糖亲妈爷这里边侧瘫"
    "呕恶肠断时钟分钟间后突现狗猫只被马蛇铁钉喉咙舌紧闭颤搐惊厥痫没动觉吗开喝泪关节弯严轻辈历问题脚脏围",
)
GRAMS = (1, 2, 3)
_ADULT = re.compile(
    "我?(爸爸?|爹|老爸|妈妈?|娘|老妈|爷爷?|奶奶?|外公|外婆|姥爷|姥姥|阿公|阿婆|公公|婆婆|老伴|老头子?|老汉儿?|老婆|老公|媳妇|丈夫|"
    "男人|女人|哥哥?|弟弟?|姐姐?|妹妹?|叔叔?|舅舅?|邻居大?爷?|同事|朋友|俺|我们?|他|她|家里?人|老人家?|大爷|大妈|老两口)"
)
_CHILD = re.compile("孩子|宝宝|小孩|娃娃?|婴儿|儿子|女儿|孙子|孙女|闺女|姑娘|囡囡|崽|毛毛|小宝|宝贝|丫头|小儿")


def normalise(question: str) -> str:
    """Half-width, simplified (the characters that the rules need), lower case, without spaces."""
    text = unicodedata.normalize("NFKC", question).lower().translate(_TRADITIONAL)
    return re.sub(r"[^\S\n]+|[\u200b-\u200f\ufeff]", "", text)


def grams(text: str) -> set[str]:
    """Groups of one to three characters; medical words for lay ones, one word for all people: who it is is no sign."""
    people = _ADULT.sub("P", _CHILD.sub("K", canonical(normalise(text))))
    run = f"^{''.join(filter(str.isalnum, people))}$"
    return {run[start : start + length] for length in GRAMS for start in range(len(run) - length + 1)}
