"""All red flags, emergencies first. Every change of a rule or of how rules are read raises RULES_VERSION."""

from llm.triage_emergencies import EMERGENCIES
from llm.triage_patterns import WORDS, Level, Rule
from llm.triage_urgent import URGENT

__all__ = ["RULES", "RULES_VERSION", "WORDS", "Level", "Rule"]

RULES_VERSION = "2026.11.7"
RULES = EMERGENCIES + URGENT
