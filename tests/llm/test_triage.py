"""Red flags are found by rule in the words that people use, and quiet sentences stay quiet."""

import pytest

from llm import likeness
from llm.signs import floor
from llm.triage import RULES_VERSION, decide, normalise, triage
from llm.triage_rules import RULES, UNSURE

EMERGENCIES = [
    ("胸口疼得厉害，出了一身冷汗", "chest_pain"),
    ("我爸突然胸痛，疼到左肩膀和后背", "chest_pain"),
    ("心口闷，像压着块石头，喘不上气", "chest_pain"),
    ("胸闷二十多分钟了，含了救心丸不见好", "chest_pain"),
    ("心窝疼 恶心 想吐 出虚汗", "chest_pain"),
    ("胸痛，左胳膊也跟着麻", "chest_pain"),
    ("我媽胸痛，冒冷汗", "chest_pain"),
    ("胸口痛，大汗", "chest_pain"),
    ("爷爷嘴歪了，说话不清楚", "stroke"),
    ("右边手脚突然没力气", "stroke"),
    ("老伴早上起来半边身子动不了", "stroke"),
    ("我爸十年前中风过，现在又口角歪斜", "stroke"),
    ("说话大舌头，左手抬不起来", "stroke"),
    ("突然剧烈头痛还呕吐", "stroke"),
    ("突然看不见了", "stroke"),
    ("吃了虾以后全身起疹子，喉咙发紧", "anaphylaxis"),
    ("被马蜂蜇了，脸肿，胸闷", "anaphylaxis"),
    ("打完青霉素针脸色苍白出冷汗", "anaphylaxis"),
    ("我不想活了", "suicide"),
    ("活着没意思，想死", "suicide"),
    ("女儿割腕了怎么办", "suicide"),
    ("觉得还不如死了算了", "suicide"),
    ("一个月的宝宝发烧38.5度", "infant_fever"),
    ("孩子出生20天，发热", "infant_fever"),
    ("新生儿体温38", "infant_fever"),
    ("两个月大的娃烧到39度", "infant_fever"),
    ("怀孕三个月下面出血", "pregnancy"),
    ("孕28周，见红了", "pregnancy"),
    ("孕妇肚子剧痛", "pregnancy"),
    ("怀孕八个月羊水破了", "pregnancy"),
    ("怀孕34周，感觉不到胎动", "pregnancy"),
    ("我婆婆喝了农药", "poisoning"),
    ("孩子误服了老鼠药", "poisoning"),
    ("小孩把外婆的降压药误食了", "poisoning"),
    ("烧炭取暖，可能煤气中毒了", "poisoning"),
    ("她吞了一大把安眠药", "poisoning"),
    ("打农药后头晕恶心，是不是农药中毒", "poisoning"),
    ("手被镰刀割了，血止不住", "bleeding"),
    ("吐了半碗血", "bleeding"),
    ("手指被机器切断了", "bleeding"),
    ("从房顶摔下来了，腰动不了", "trauma"),
    ("出车祸了，腿不能动", "trauma"),
    ("孩子掉进河里刚捞上来", "drowning"),
    ("被毒蛇咬了", "snake"),
    ("摔到头以后一直呕吐", "trauma"),
    ("喘不上气，嘴唇发紫", "dyspnoea"),
    ("哮喘发作，喷了药也不管用", "dyspnoea"),
    ("花生米卡住气管了，咳不出来", "choking"),
    ("夜里憋得不行，不能平躺", "dyspnoea"),
    ("奶奶叫不醒了", "unconscious"),
    ("老公戒酒三天了，今天手抖得厉害，说看见墙上有虫子，满身大汗", "withdrawal"),
    ("我爸断酒两天，浑身发抖说胡话，认不得人", "withdrawal"),
    ("喝了二十年酒突然不喝了，夜里胡言乱语手乱抓", "withdrawal"),
    ("孩子打翻热汤，胸口和后背都烫红起泡了", "child_burn"),
    ("今天抽了三次了，每次一两分钟", "convulsion"),
    ("他没有呼吸了", "unconscious"),
    ("老人晕倒在地上", "unconscious"),
    ("孩子抽搐，翻白眼", "convulsion"),
    ("突然口吐白沫全身抽", "convulsion"),
    ("娃发烧39度，精神很差，嗜睡", "child_fever"),
    ("宝宝一天没尿，哭都没有眼泪", "child_danger"),
    ("鼻塞，喘不上气，嘴唇发紫", "dyspnoea"),
    ("肚子痛得打滚", "acute_abdomen"),
    ("肚子疼，肚皮硬得不敢碰", "acute_abdomen"),
    ("腹痛，停经40天，头晕", "acute_abdomen"),
    ("中暑了，昏昏沉沉说胡话", "shock_heat"),
    ("没有发烧，但是胸痛出冷汗", "chest_pain"),
    ("老人昏过去了", "unconscious"),
    ("孩子高烧抽过去了", "convulsion"),
    ("被蜂蛰了，浑身起包，喘不过气", "dyspnoea"),
    ("一家人都头晕恶心，屋里烧着煤炉", "carbon_monoxide"),
    ("45天的宝宝发烧", "infant_fever"),
    ("胸 口 疼， 出 冷 汗", "chest_pain"),
    ("胸口疼，出冷汗", "chest_pain"),
]

URGENT = [
    ("鱼刺卡喉咙了", "fishbone"),
    ("被狗咬了怎么办", "animal_bite"),
    ("娃让邻居家的猫抓破了手", "animal_bite"),
    ("胸口有点闷", "chest_discomfort"),
    ("孩子烧了三天", "fever_high"),
    ("发烧40度", "fever_high"),
    ("大便发黑好几天", "blood_lost"),
    ("痰里带血", "blood_lost"),
    ("血压190，头有点晕", "pressure_sugar"),
    ("空腹血糖22", "pressure_sugar"),
    ("右下腹疼", "abdomen_right"),
    ("踩到钉子了", "tetanus_wound"),
    ("眼睛进了石灰", "eye"),
    ("腰椎间盘突出，骑马坐的地方麻木，小便困难", "limb"),
    ("孕晚期手掌脚掌痒得厉害", "pregnancy_itch"),
]

ROUTINE = [
    "没有呼吸困难",
    "怎么判断是不是中风",
    "孩子不吃饭想死我了",
    "三年前做过心脏支架，现在能跑步吗",
    "我没有自杀的想法，就是睡不好",
    "高血压平时要注意什么",
    "糖尿病能吃什么水果",
    "孩子发烧怎么办",
    "感冒了流鼻涕，没有胸痛",
    "咳嗽两天，不胸痛，也不喘",
    "没有胸闷、气短和出汗，就是有点乏力",
    "我爸十年前中风，平时饮食要注意什么",
    "去年得过心梗，胸痛过，能不能爬山",
    "怎么预防中风",
    "心梗有哪些症状",
    "什么是过敏性休克",
    "腰痛怎么锻炼",
    "晚上睡不着怎么办",
    "腿抽筋怎么回事",
    "小时候被狗咬过，要紧吗",
    "笑死我了，感冒老不好",
    "怀孕能吃螃蟹吗",
    "流鼻血怎么处理",
    "鼻塞，晚上鼻子不通憋气",
    "困死了没精神",
    "过敏性鼻炎怎么调理",
    "三岁孩子发烧38度，精神好",
    "痛经肚子疼怎么缓解",
    "打农药要注意什么防护",
    "血压130，正常吗",
    "戒酒两年了身体好多了",
    "想戒酒怎么戒",
    "怀孕初期皮肤干，有点痒能擦什么",
    "",
]


@pytest.mark.parametrize(("question", "rule"), EMERGENCIES)
def test_an_emergency_is_found_and_its_advice_names_the_number_to_call(question, rule):
    found = triage(question)
    assert (found.level, found.rule) == ("emergency", rule)
    assert found.advice and "120" in found.advice


@pytest.mark.parametrize(("question", "rule"), URGENT)
def test_an_urgent_sign_sends_to_the_hospital_without_calling_it_an_emergency(question, rule):
    found = triage(question)
    assert (found.level, found.rule) == ("urgent", rule)
    assert found.advice


FLOOR = [
    ("我爸没有呼吸了", "unconscious"),
    ("孩子吃果冻卡住了，脸发紫", "choking"),
    ("儿子掉进池塘里了", "drowning"),
    ("老公被电打了，倒在地上", "electric"),
    ("打完青霉素喘不过气", "anaphylaxis"),
    ("我不想活了", "suicide"),
    ("婆婆喝了敌敌畏", "poisoning"),
    ("屋里烧炭烤火，一家人头晕想吐", "carbon_monoxide"),
    ("割草时被蛇咬了一口", "snake"),
    ("早上起来半边身子动不了", "stroke"),
    ("胸口疼得厉害，出了一身冷汗", "chest_pain"),
    ("满月的宝宝发烧38度5", "infant_fever"),
    ("新生儿不吃奶", "newborn"),
    ("怀孕五个月下面出血", "pregnancy"),
    ("腿被砍了，血止不住", "bleeding"),
    ("孩子全身抽搐，口吐白沫", "convulsion"),
    ("吓死我了，孩子掉水里刚捞上来", "drowning"),
    ("上课时同学晕倒没反应", "unconscious"),
    ("被毒蛇咬了，已经好了点，还要去吗", "snake"),
    ("喝了百草枯，洗了胃没事了", "poisoning"),
    ("活着没啥意思，天天想着咋走", "suicide"),
    ("想跟着老头子去了", "suicide"),
    ("老太太说药攒够了，省得拖累儿女", "suicide"),
    ("听说百草枯喝了没救，喝哪个不疼", "suicide"),
    ("网上说烧炭走得不痛苦，是真的吗", "suicide"),
    ("如果我割腕多久会死", "suicide"),
    ("新闻里有人跳楼，我也想", "suicide"),
    ("为什么我总想死", "suicide"),
]
NO_FLOOR = [
    "没有呼吸困难",
    "没有胸痛，也没有出冷汗",
    "去年被蛇咬过，已经治好了",
    "我爸十年前中风，半边身子动不了",
    "怎么预防孩子掉进池塘",
    "新闻里有人喝农药",
    "电影里的人被电击",
    "牛吃了农药",
    "笑得不想活了，开玩笑的",
    "如果被蛇咬了第一步做什么，村里搞培训",
    "孩子小时候抽搐过，现在会不会再犯",
    "备孕的人出血要查什么",
    "孕妇出血的原因有哪些",
    "如果喝了农药，人昏迷了怎么办",
    "小说里主角割腕",
    "上一胎大出血，现在备孕要查什么",
    "百草枯打了草多久会死",
    "老鼠吃老鼠药了多久会死",
    "攒了些没吃完的药，过期了还能吃吗",
    "打工没啥意思，想回家种地",
    "买种子花了两千块大出血，心疼死了",
]
TOLD = [
    ("我老公喝农药了", "poisoning"),
    ("我妈突然说不出话", "stroke"),
    ("我爸没呼吸了", "unconscious"),
    ("老伴触电倒了", "electric"),
    ("娃噎住了脸发紫", "choking"),
    ("怀孕七个月下面出血", "pregnancy"),
    ("打完青霉素喘不上气", "anaphylaxis"),
]
ASKED = ["网上说灌肥皂水行吗", "会不会有事", "为什么", "视频上说拍背行吗", "要是晚了咋办", "如何急救", "怕他不行了"]


@pytest.mark.parametrize(("question", "rule"), FLOOR)
@pytest.mark.parametrize("quiet", [0.0, 1.0])
def test_no_likeness_vetoes_a_plain_sign_of_mortal_danger(question, rule, quiet):
    """Even where likeness is as sure as can be that the question is an everyday one."""
    found = decide(normalise(question), {likeness.ROUTINE: quiet})
    assert found.level == "emergency" and floor(normalise(question)).name == rule


@pytest.mark.parametrize(("told", "rule"), TOLD)
def test_what_is_asked_after_it_does_not_veto_what_was_told(told, rule):
    """Relatives tell first and then ask, often in the same breath."""
    for asked in ASKED:
        for question in (f"{told}，{asked}", f"{told}{asked}"):
            found = floor(normalise(question))
            assert found is not None and found.name == rule, question


@pytest.mark.parametrize("question", NO_FLOOR)
def test_denied_past_told_and_general_questions_have_no_floor(question):
    assert floor(normalise(question)) is None


def test_the_floor_leaves_the_known_everyday_phrasings_alone():
    everyday = [phrase for level, _, phrase in likeness.examples() if level == "routine"]
    raised = [phrase for phrase in everyday if floor(normalise(phrase)) is not None]
    assert len(raised) <= 0.005 * len(everyday), raised


@pytest.mark.parametrize("question", ROUTINE)
def test_everyday_denied_past_and_general_questions_stay_routine(question):
    found = triage(question)
    assert (found.level, found.rule, found.advice) == ("routine", None, None)


def test_what_sounds_like_danger_but_like_none_in_particular_gets_general_advice():
    said = {likeness.ROUTINE: 0.2, "stroke": 0.1, "suicide": 0.05}
    unsure = decide("又不知道咋了", said)
    assert (unsure.level, unsure.rule) == ("urgent", UNSURE.name)
    assert unsure.advice and "120" in unsure.advice
    assert decide("又不知道咋了", said | {"stroke": 0.3}).rule == "stroke"
    assert decide("又不知道咋了", said | {likeness.ROUTINE: 0.6}).level == "routine"


def test_the_suicide_advice_names_the_national_hotline():
    assert "12356" in str(triage("我想自杀").advice)


def test_every_emergency_advice_says_120_and_rules_are_named_once():
    assert all("120" in rule.advice for rule in RULES if rule.level == "emergency")
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert RULES_VERSION
