"""All red flags, emergencies first. Every change of a rule or of how rules are read raises RULES_VERSION."""

from llm.triage_emergencies import EMERGENCIES
from llm.triage_patterns import WORDS, Level, Rule
from llm.triage_urgent import URGENT

__all__ = ["RULES", "RULES_VERSION", "UNSURE", "WORDS", "Level", "Rule"]

RULES_VERSION = "2026.11.12"
RULES = EMERGENCIES + URGENT
# What sounds like danger, but like none in particular. Another rule's advice would be absurd: acne is no stroke.
UNSURE = Rule(
    "unsure",
    "urgent",
    (),
    "从这句话看不准有多急。要是刚刚发生、越来越重，或者人叫不醒、喘不上气、说话不清、半边没劲、抽搐、剧痛、大出血、吞了或沾了毒物，"
    "请立即拨打 120。都没有的话，今天到卫生院请医生看看；也可以把哪里不舒服、从什么时候开始说得更细，再问一次。",
)
