"""Red flags by rule, before any model speaks. Deterministic: one machine gives the same question the same answer.

Three readings: patterns (triage_rules.py) for words that people are known to use; likeness to known phrasings
(triage_examples.tsv) for those that nobody thought of, which weighs how a thing is said (marks.py) as well; and a floor
(triage_floor.py), plain signs of mortal danger here and now, which no likeness may veto.
"""

from dataclasses import dataclass

from llm import likeness
from llm.signs import fired, floor
from llm.triage_rules import RULES, RULES_VERSION, UNSURE, Level
from llm.wording import normalise

__all__ = ["RULES_VERSION", "Triage", "normalise", "triage"]

# How far the likeness to red flags must go, -1 to 1: the highest at which cross-validation over the known phrasings
# (`python -m llm.folds`) found 0.98 of the red ones (0.977 since 56 routine questions about doses were added).
ALIKE = -0.33
# Below this likeness to the nearest rule, and without a pattern, that rule was the wrong one for three of five red
# phrasings in those folds: the advice is a general one.
NAMED = 0.15


@dataclass(frozen=True)
class Triage:
    """`rule` and `advice` are None on "routine". The advice is a whole Chinese text for the person."""

    level: Level
    rule: str | None = None
    advice: str | None = None


def triage(question: str) -> Triage:
    """Whether a question tells of a red flag, and what to do then."""
    text = normalise(question)
    return decide(text, likeness.read(question)) if text else Triage("routine")


def decide(text: str, alike: dict[str, float]) -> Triage:
    """`text` normalised, `alike` as likeness.read gives it. Emergencies stand before urgent signs."""
    alarm = -alike[likeness.ROUTINE] >= ALIKE
    sure = floor(text)
    found = fired(text) if alarm else []
    if sure is not None and not any(rule.level == "emergency" for rule in found):
        return Triage(sure.level, sure.name, sure.advice)
    if not alarm:
        return Triage("routine")
    nearest = max(RULES, key=lambda rule: alike.get(rule.name, 0.0))
    if not found and alike.get(nearest.name, 0.0) < NAMED:
        nearest = UNSURE
    rule = found[0] if found else nearest
    if rule.level == "urgent" and nearest.level == "emergency":
        rule = nearest
    return Triage(rule.level, rule.name, rule.advice)
