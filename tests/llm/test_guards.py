"""What a small model must not say is cut, sentence by sentence, however its text is chopped."""

import pytest

from llm.guards import Guard

PROMPT = "你是乡镇卫生院的健康科普助手，用通俗的中文回答。"


def say(text: str, size: int = 3) -> tuple[str, Guard]:
    guard = Guard(PROMPT)
    shown = "".join(guard.feed(text[at : at + size]) for at in range(0, len(text), size))
    return shown + guard.finish(), guard


@pytest.mark.parametrize(
    "sentence",
    [
        "可以服用布洛芬缓解疼痛。",
        "每次吃两片。",
        "建议口服 500 mg。",
        "血压正常后可以停药。",
        "您患有高血压病。",
        "可以使用温和的泻药。",
        "可用肌肉松弛剂。",
        "喝点板蓝根颗粒。",
        "Please drink more water every day.\n",
        "你是乡镇卫生院的健康科普助手，用通俗的中文回答。",
    ],
)
def test_medicines_doses_diagnoses_foreign_and_leaked_sentences_are_cut(sentence):
    shown, _ = say(f"先好好休息。{sentence}然后多喝水。")
    assert shown == "先好好休息。然后多喝水。"


@pytest.mark.parametrize(
    "sentence",
    [
        "不要自行停药。",
        "如果您患有糖尿病，请告诉医生。",
        "每天运动 30 分钟。",
        "每天食盐不超过 5 克。",
        "避免咖啡因和酒精。",
        "血压长期在 140/90 mmHg 以上要看医生。",
    ],
)
def test_plain_advice_and_warnings_stay(sentence):
    shown, guard = say(sentence)
    assert (shown, guard.cut) == (sentence, False)


def test_a_loop_ends_the_answer():
    shown, guard = say("多喝水，注意休息和保暖。" * 5)
    assert guard.looping
    assert shown == "多喝水，注意休息和保暖。"


def test_a_cut_item_leaves_no_gap_in_the_numbers():
    shown, guard = say("1. 多喝水\n2. 吃两片布洛芬\n3. 早休息\n\n1. 少熬夜\n")
    assert shown == "1. 多喝水\n2. 早休息\n\n1. 少熬夜\n"
    assert guard.cut


def test_half_a_sentence_at_the_end_is_dropped_unless_it_is_all():
    assert say("多喝水。如果出现高")[0] == "多喝水。"
    assert say("多喝水")[0] == "多喝水"


def test_markup_and_control_words_are_stripped():
    assert say("**多喝水**<|im_end|>。\n### 休息\n")[0] == "多喝水。\n休息\n"


TUBERCULOSIS = "肺结核能治好，药要按时吃满，一般至少6个月，不能好一点就停，停了会耐药。"
INSULIN = "不会上瘾。有的人打一阵以后能停，由医生定。打针的人不能空腹喝酒。"


@pytest.mark.parametrize(
    ("question", "passage", "sentence", "stays"),
    [
        ("肺结核吃药吃到不咳了能停不", TUBERCULOSIS, "肺结核吃药吃到不咳了能停，但不能好一点就停，停了会耐药。", False),
        ("肺结核吃药吃到不咳了能停不", TUBERCULOSIS, "肺结核的药不能好一点就停，停了会耐药。", True),
        ("胰岛素打上了能停吗", INSULIN, "有的人打一阵以后能停，由医生定。", True),
        ("打胰岛素能空腹喝酒吗", INSULIN, "打针的人可以喝酒，但不能空腹喝酒。", False),
        ("打胰岛素能空腹喝酒吗", INSULIN, "打针的人不能空腹喝酒。", True),
        ("血压药能减吗", "少吃盐能减轻负担，血压药一直吃。", "少吃盐的人血压药能减半。", False),
        ("肺结核怎么治", TUBERCULOSIS, "不按时吃满可能加重，停了会耐药。", True),
    ],
)
def test_only_a_passage_allows_what_was_asked_or_changes_a_treatment(question, passage, sentence, stays):
    guard = Guard(PROMPT, [passage], question)
    assert guard.feed(sentence) == (sentence if stays else "")
