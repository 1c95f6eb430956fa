"""The floor under the triage: plain signs of mortal danger, here and now, that no likeness to quiet phrasings may veto.

Narrower than the rules' own patterns: each holds only what can hardly mean anything else. A sign counts where it is
neither denied nor past, and where it is told: not in a clause that asks for knowledge, supposes, tells a tale or is an
idiom. Relatives tell first and then ask ("he drank pesticide, I read that soapy water helps"), so such a clause takes
no other with it, but for what is supposed, which holds for all that follows. Who asks for a way to die is in danger
however it is asked.
"""

import re
from collections.abc import Iterator

from llm.triage_patterns import compiled

_WATER = "水 | 河 | 井 | 池 | 塘 | 粪 | 湖 | 水库 | 沟 | 水缸 | 冰窟"
_PERSON = """
    孩子 | 宝宝 | 小孩 | 娃 | 婴儿 | 儿子 | 女儿 | 孙子 | 孙女 | 闺女 | 爸 | 爹 | 妈 | 娘 | 爷 | 奶 | 公公 | 婆婆
    | 老伴 | 老婆 | 老公
    | 媳妇 | 丈夫 | 哥 | 弟 | 姐 | 妹 | 叔 | 舅 | 同事 | 工友 | 邻居 | 有人 | 老人 | 我 | 他 | 她 | 人
"""
_HALF = "半边 | 半个 | 一侧 | 一边 | 单侧 | 左侧 | 右侧 | 左边 | 右边 | 左 | 右 | 一只 | 一条"
_LIMB = "身子 | 身体 | 肢体 | 手脚 | 胳膊 | 手 | 腿 | 脚"
_POISON = """
    农药 | 敌敌畏 | 百草枯 | 敌草快 | 草甘膦 | 除草剂 | 杀虫剂 | 老鼠药 | 鼠药 | 毒鼠强 | 洁厕 | 84 | 消毒液
    | 消毒水 | 汽油 | 煤油 | 甲醇
    | 强酸 | 硫酸 | 盐酸 | 烧碱 | 甲胺磷 | 敌百虫 | 毒蘑菇 | 野蘑菇 | 断肠草 | 工业酒精 | 亚硝酸盐
"""
_EXPOSED = """
    针 | 输(着|完)?液 | 吊(水|瓶) | 点滴 | 头孢 | 青霉素 | 阿莫西林 | 疫苗 | 蜂 | 蜇 | 虾 | 海鲜 | 螃蟹 | 花生
    | 鸡蛋 | 芒果 | 吃(了|完)
"""

# Of a means: which way to die it is. Ahead of "does not hurt", which would else be read as a denial.
_EASILY = """
    (死|走)得(?=.{0,2}(快|慢|不|痛|舒服|安详)) | (死|走)(?=.{0,4}不.{0,2}(痛|难受|疼))
    | (哪个|哪种|什么|啥)(药)?(最|更)?(?=不疼|不痛|不难受|死得快) | (睡|死)过去(?=(就)?(不|别)(再)?醒)
    | (我|自己|要|割腕|上吊|跳楼|烧炭)(多久|多长时间|几分钟)(会|能|才)?死
"""

# For each rule: signs that must all stand in the question.
FLOOR: dict[str, tuple[tuple[str, ...], ...]] = {
    "suicide": (
        (
            """
                (?<!累得)(?<!烦得)不想活了 | (想|要|准备|打算)(去)?(自杀|轻生|寻死|跳楼|跳河|上吊|割腕|自尽)
                | 割(了)?(手)?腕
                | (写|留)(了|下|好)*.{0,3}遗书 | 遗书都?写 | 死了算了 | 活不下去了?$ | 不如死了
                | (结束|了结)(自己的?|我的?)?生命
                | (?<!得)想死(?=$|，|,|。|了|怎么|控制|不想) | 怎么(自杀|死)(才)?(不|没|能死) | 哪种死法 | 叫我去死
                | 上吊(了|被) | 撑不下去了.{0,8}(跳|死|走|结束)
                | (站|爬|坐)(在|到|上)?.{0,4}(楼顶|天台|桥上|井边|窗台).{0,8}(跳|不下来|不活)
                | 控制不住.{0,3}(想死|伤害自己)
                | (割|划)(自己)?(的)?(手腕|手臂|胳膊|脉)
                | 吞(了|下).{0,6}安眠药 | 喝(了)?农药(自杀|寻死|自尽)
                | 活着(真|就|也|都|越来越|实在)?没(有|啥|什么|多少)*(意思|意义|盼头|奔头|劲)
                | (为什么|为啥|总|老|只|就|真|天天|一直)想死(?!我|你|他|她|皮) | (说|写)(自己)?(不想活|想死)
                | (安眠药|安定|药)(都|已经|也)?(攒|备)(够|齐)了
                | (安眠药|安定)(都|已经)?攒 | 攒(了|着|够)*.{0,4}(安眠药|安定)
                | 想(跟|随|陪)着?(老|他|她|你|孩子).{0,4}?(一起|一块儿?|一道)?(走了|去了|一块儿?去)(?=$|,|吧)
                | (抱|带)着(娃|孩子|儿子|闺女|女儿).{0,3}(跳|一起死|去死|走绝路) | 不如走了(干净|算了|省心)
                | (学|知道|查)(一下|下)?怎么(上吊|割腕|跳楼|自杀|烧炭自杀)
                | (死了|走了)(就)?(省得|免得|不)(再)?拖累
                | (我|她|他)(要是)?(不在|走|死|没)了.{0,8}别(难过|伤心|哭)
            """,
        ),
        ("农药 | 百草枯 | 敌敌畏 | 安眠药 | 安定 | 老鼠药 | 烧炭 | 上吊 | 跳楼 | 割腕", _EASILY),
        ("自杀 | 跳楼 | 轻生 | 上吊 | 割腕 | 烧炭", "我也(就)?(想|要|准备)(?=$|死|去|这样|那样|跟|试)"),
    ),
    "unconscious": (
        (
            """
                (没有?(了)?|停止)(呼吸|心跳|脉搏)了?(?!困难|急|问题|异常|道|过速|加快) | 没气了
                | (心跳|呼吸)(骤)?停了?
                | (叫|喊|摇|推|拍)(他|她|了|都|也|半天|怎么|就是)*(不醒|不应|没反应|没有反应|不答应)
                | 摸不(到|着)(脉|心跳)
                | (晕倒|昏倒|倒地|倒下|摔倒).{0,8}没有?(任何|一点)?(反应|动静)
                | 昏迷 | 不省人事 | 没有?(了)?意识(了|$)
            """,
        ),
    ),
    "convulsion": (
        (
            """
                (?<!小腿)(?<!会不会)抽搐(?!症) | (正在|又|一直|还在|突然|全身)抽(了|起来|着|个|$) | 抽(个)?不停
                | 口吐白沫 | (两?眼|眼睛)(往)?上翻
                | 翻白眼 | 抽(过去|起来)了 | (羊[角癫][风疯]|癫痫)(又|正在|突然)?(犯|发作)了
            """,
        ),
    ),
    "choking": (
        (
            "(卡|噎|呛)(住|着|到|了|奶|在) | (吸|进|掉|吞)(到|进|入)?了?.{0,2}(气管|喉咙)",
            "(脸|嘴唇|嘴|脸色).{0,3}(紫|青|乌) | 发紫 | 发青 | 喘不 | (说|喊|哭|出)不出?(话|声|气|来) "
            "| 说不出 | 不能呼吸 | 没气 | 咳(不出|不停) | 憋(得|住) | 哨音",
        ),
    ),
    "drowning": (
        (_PERSON, f"(掉|栽|落|滑|摔|跳)(进|到|下|入|在)了?.{{0,4}}({_WATER}) | 溺水了 | 淹(着|到|水)?了"),
        ("(溺水|淹|水里|河里|塘里|井里|塘|缸里?|冰窟窿).{0,8}(捞|救|拉|抱)(上|起|出)(来|岸)?",),
        ("呛(了|着)?.{0,3}水", "喘 | 一直咳 | 发?(紫|青) | 没气"),
    ),
    "electric": (
        (
            "(被|让|给)电(打|击|到|着|吸|晕|倒|了) | 触了?电(了|倒|后|晕) | 雷(劈|击|打)(了|到|中|倒"
            "|着) | 电(闸|线|门).{0,4}(吸住|打|击)",
        ),
    ),
    "snake": (("(蛇|长虫|蝮|竹叶青|五步|银环).{0,4}咬(了|到|伤|着|中|一口) | (被|让)(毒)?蛇咬",),),
    "poisoning": (
        (
            f"(喝|吃|服|吞|灌)(了|下|进|错|下去|到)+.{{0,6}}({_POISON}) | (喝|吃|服|吞|灌)({_POISON})了(?!送医院?之?前)"
            f"| (误|错)(喝|食|服|吃|吞).{{0,6}}({_POISON})"
            f"| ({_POISON})(当|误).{{0,4}}(喝|吃)(了|下)",
        ),
        (
            r"""
                (吃|吞|喝|服)(了|下|掉)+.{0,3}(一整?瓶|一大把|(好)?几十[片粒颗]|[二三四五六七八九]?十[几多]?[片粒颗]|[1-9]\d[多来]?[片粒颗])
                .{0,6}(药|安眠|安定) | 安眠药(吃|吞|喝)(了|多)
            """,
        ),
        ("(煤气|一氧化碳|农药|酒精)中(了)?毒(了|，|,|$) | 中(了)?煤气了",),
    ),
    "carbon_monoxide": (
        (
            "烤火 | 炭火 | 炭盆 | 烤炭 | 烧炭 | 烧了炭 | 煤炉 | 煤火 | 蜂窝煤 | 煤气 | 燃气热水器",
            "头晕 | 头昏 | 头疼 | 头痛 | 想吐 | 呕吐 | 没力气 | 昏(倒|过去|睡|迷) | 晕倒 | 站不(稳|住)",
        ),
    ),
    "stroke": (
        (
            "突然 | 一下子 | 刚才",
            "看不见(?!字) | 说不出话 | 听不懂.{0,2}(话|人) | 不会(走路|说话) | (不认|认不得)人 | 半边",
        ),
        ("头.{0,6}(炸|裂)", "吐 | 从(来)?没 | 脖子 | 迷糊"),
        (
            "(嘴|口角|嘴角|口眼|脸).{0,4}(歪|斜|喎|耷拉|往下垮)",
            f"(说话|讲话|口齿|话).{{0,4}}(不清|含糊|不利索) | 流口水 | ({_LIMB}).{{0,5}}(没力|无力|没劲"
            f"|麻|抬不|动不|不能动)",
        ),
        (
            "突然 | 刚才? | 今[天早晚] | 一下子 | 醒来 | 起床 | 早上起来 | 现在",
            f"(嘴|口角|嘴角|口眼).{{0,3}}歪 | ({_HALF})(的)?({_LIMB})?(都|也)?.{{0,4}}(不能动|动不了"
            f"|没力气?|没劲|无力|抬不起|不听使唤|瘫)"
            "| 说不出话 | (说话|讲话|口齿|话都?)(都)?(说)?.{0,3}(不清|含糊|大舌头)",
        ),
    ),
    "chest_pain": (
        (
            "(胸口?|心口|心窝|前胸|心前区|胸骨|胸部).{0,8}(疼|痛|绞|压|闷)",
            "汗(?!斑|疱|腺|蒸) | 撕(裂|开) | 嘴唇?.{0,3}(紫|青|乌) | 脸.{0,2}(白|灰|青) | 喘不[上过] "
            "| 呼吸困难 | 左(胳膊|臂|肩|手).{0,4}(麻|疼|痛|酸) | 濒死"
            "| (救心丸|硝酸甘油).{0,6}(没|不)",
        ),
    ),
    "anaphylaxis": (
        (
            _EXPOSED,
            "喘不[上过] | 呼吸困难 | 憋气 | (喉咙|嗓子|喉头).{0,3}(肿|紧|掐) | (舌头|嘴唇|嘴|脸).{0,3}肿 "
            "| 休克 | 血压(下降|低|测不) | 晕倒 | 冷汗",
            "起.{0,4}(疹|包|风团|疙瘩) | 喘 | 呼吸 | 憋 | 喉 | 嗓 | 舌 | 休克 | 晕 | 冷汗 | 血压",
        ),
    ),
    "bleeding": (
        (
            """
                血(都|就|一直)?.{0,2}(止不住|不止|喷|狂流|流不停|一直流|往外[冒涌喷]) | 止不住血 | 大出血
                | 血(直|一股一股|哗哗|像水).{0,4}(冒|流|淌|喷) | 大口(地|的)?(呕|吐|咳)血
                | (吐|呕)血.{0,3}(大口|碗|盆)
                | (手|指|脚|趾|胳膊|腿).{0,9}(切|铡|绞|砍|锯|剁|轧|压)(断|掉|下来)(?!指甲)
                | (吐|呕|咳)(了|出)?(好几|几|一|半|两|大)+(碗|盆|大口|摊)(的)?(鲜)?血
                | (吐|呕)(出|了)*.{0,3}(好多|很多|大量|大口)(的)?(鲜)?血
            """,
        ),
    ),
    "infant_fever": (
        ("<baby>", "<fever>"),
        (
            r"""
                (出生|生下来|才|刚满?)[一二三四五六七八九十\d]+[多来]?(个)?(天|周|星期)
                | (不到|不满|没到)[一二两三1-3]个月 | 没?出月子 | [没未]满月
                | (才|刚)(一|两|二|1|2)个(半|多)?月
            """,
            "<fever>",
        ),
    ),
    "newborn": (("<baby>", "不吃奶 | 拒奶 | 不肯吃 | 吃不进奶 | 叫不醒 | 嘴唇?发[紫青]"),),
    "pregnancy": (("<pregnant>", "出血 | 流血 | 见红 | 羊水破 | 破水 | 没有?胎动 | 胎动(没|消失|少) | 抽(搐|起来)"),),
}

# Asked, read or feared, and no more than that.
_ASKED = """
    预防 | 怎么(防|避免|判断|辨认|识别|劝|分辨|区分|区别|看出) | 如何 | 是什么 | 什么(是|叫|意思|样的)
    | (哪些|什么|啥)(症状|表现|前兆|征兆|信号|原因) | 的(原因|症状|表现|危害|急救|护理)
    | 区别 | 不同 | 科普 | 知识 | 培训 | 讲座 | 讲课 | 上课(?!时|的时候|中) | 作业 | 论文 | 作文 | 演讲 | 考试 | 考题
    | 宣传 | 海报 | 抖音 | 视频 | 网上 | 书上 | 听说 | 据说 | 怎样防 | 伤怎么急救 | 能(掐|用嘴)
    | 身亡 | 有哪些 | (怀|生)老大时? | 上一?胎 | 怀(老二|二胎|孕前) | 会不会 | 担心
    | 怕(自己|他|她|孩子|会|得|万一) | 想?学(习|一|会|做)
    | 遗传 | 为什么 | 为啥 | 前(妻|夫) | 谣言 | 传说 | 历史 | 备孕 | 绝经 | 停经 | 怀孕前 | 没怀孕
"""
# Made up or dreamt. A supposition, a tale and a dream hold for all that follows.
_TALE = "电视 | 电影 | 小说 | 主角 | 演 | 剧里 | 梦见 | 做梦"
_SUPPOSED = f"如果 | 万一 | 要是 | 假如 | 新闻 | {_TALE}"
# Where a question begins behind what is told in the same breath: "he drank pesticide will he die".
_QUESTION = """
    会不会 | 为什么 | 为啥 | 如何 | 怎么(判断|避免|防) | 是什么 | 要是 | 万一 | 担心 | 怕(自己|他|她|孩子|会|得|万一)
    | 听说 | 据说 | 网上 | 视频 | 有?哪些
"""
_PAST = "后遗症 | 恢复期 | 出院 | 治好 | 早就好 | 查过 | 病史 | 小时候 | 上次 | 以前 | 曾经 | 去年 | 前年 | 年前"
_BETTER = "好了(?!没) | 没事了 | 已经(好|没事|取|不)"
# What looks well at first and kills hours or days later: being better now ends nothing.
_LATE = ("snake", "poisoning")
_BEASTS = (
    "(牛 | 猪 | 羊 | 鸡 | 鸭 | 鹅 | 猫 | 狗 | 鱼 | 兔子?)(也|都|又|被|让|吃|喝|误|掉|中|触"
    "|喘|抽|吐|难|要|快|摔|崽|死) | (老鼠|耗子|虫子?|草)(也|都|吃|会|能|多久|几天|死|不死)"
    "| 死(草|虫|老鼠) | (手机|钥匙|房子|电视|电脑|鞋)(掉|被|让)"
)
_IDIOM = (
    "(累|困|笑|热|冷|饿|烦|气|吓|痒|馋|愁|急|苦|吵|忙|爱|尴尬|疯|臭|辣|甜|羡慕)死 | 想死(我"
    "|你|他|她|大家) | (花|亏|赔|钱|块|元|万).{0,6}大出血"
)
_SLIGHT = "鼻血 | 牙龈 | 指甲 | 开玩笑"
_UNTOLD = compiled(f"{_ASKED} | {_IDIOM} | {_SUPPOSED}")
_IDIOMS = compiled(_IDIOM)
_SUPPOSITION = compiled(_SUPPOSED)
_FICTION = compiled(_TALE)
_BEGINS = compiled(f"(?={_QUESTION})")
_NO_FLOOR = compiled(f"{_BEASTS} | {_SLIGHT}")
_STILL = compiled("现在 | 今[天早晚] | 刚 | 又 | 再次 | 这次 | 突然 | 正在 | 昨[天晚] | 越来越")
_OVER, _PASSED = compiled(f"{_PAST} | {_BETTER}"), compiled(_PAST)
_FLOOR = tuple((name, tuple(map(compiled, signs))) for name, ways in FLOOR.items() for signs in ways)


def dangers(clauses: list[str]) -> list[tuple[str, tuple[re.Pattern, ...], list[str]]]:
    """(rule, its signs, the clauses that they may stand in) of each floor that may hold in a normalised text's
    clauses; whether the signs stand is for the caller."""
    if _NO_FLOOR.search(",".join(clauses)):
        return []
    told = list(_told(clauses))
    said = told if _FICTION.search(",".join(clauses)) else [each for each in clauses if not _IDIOMS.search(each)]
    found = []
    for name, signs in _FLOOR:
        where = said if name == "suicide" else told
        text = ",".join(where)
        over = (_PASSED if name in _LATE else _OVER).search(text) and not _STILL.search(text)
        if not over and all(sign.search(text) for sign in signs):
            found.append((name, signs, where))
    return found


def _told(clauses: list[str]) -> Iterator[str]:
    """What is told as it is; of a clause that goes on to ask, what stands before that."""
    for clause in clauses:
        if not _UNTOLD.search(clause):
            yield clause
            continue
        before = _BEGINS.split(clause)[0]
        if before != clause and not _UNTOLD.search(before):
            yield before
        if _SUPPOSITION.search(clause):
            return
