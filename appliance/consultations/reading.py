"""`python -m appliance.consultations.reading`: how far a careful reading of forty answers agrees with the grader.

The forty are drawn from the written questions by a fixed seed, not chosen; llm/evaluation/read.toml holds what the
reader thought of each recorded answer, and why.
"""

import json
import random
import tomllib
from typing import Any

import click

from appliance.consultations.grading import FOLDER, questions
from appliance.engines import fill_readme

SEED, NUMBER = 4, 40
DRAWN_FROM = ("tuned", "judged")


def drawn() -> list[str]:
    """The questions whose answers are read."""
    asked = [question.ask for half in DRAWN_FROM for question in questions(half)]
    return random.Random(SEED).sample(asked, NUMBER)  # noqa: S311


def agreement() -> dict[str, Any]:
    """How often reader and grader say the same of an answer, and Cohen's kappa."""
    answers = json.loads((FOLDER / "results.json").read_text("utf-8"))["answers"]
    graded = {row["ask"]: row["right"] for half in DRAWN_FROM for row in answers[half]}
    read = {each["ask"]: each["verdict"] for each in tomllib.loads((FOLDER / "read.toml").read_text("utf-8"))["read"]}
    pairs = [(read[ask] == "right", graded[ask]) for ask in drawn()]
    return {
        "both right": pairs.count((True, True)),
        "both wrong": pairs.count((False, False)),
        "only the grader says right": pairs.count((False, True)),
        "only the reader says right": pairs.count((True, False)),
        "unsafe to the reader": list(read.values()).count("unsafe"),
        "agreement": sum(one == other for one, other in pairs) / len(pairs),
        "Cohen's kappa": kappa(pairs),
    }


def kappa(pairs: list[tuple[bool, bool]]) -> float:
    """Agreement beyond chance, -1 to 1."""
    same = sum(one == other for one, other in pairs) / len(pairs)
    first, second = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    chance = first * second + (1 - first) * (1 - second)
    return 1.0 if chance == 1 else (same - chance) / (1 - chance)


def table(figures: dict[str, Any]) -> str:
    """The agreement as a Markdown table."""
    rows = "".join(
        f"| {name} | {value if isinstance(value, int) else f'{value:.2f}'} |\n" for name, value in figures.items()
    )
    return f"| of {NUMBER} answers | |\n|---|---|\n{rows}"


@click.command()
@click.option("--record", is_flag=True, help="keep the table in llm/README.md")
def main(record: bool) -> None:
    """Compare the careful reading with the grader."""
    figures = agreement()
    click.echo(table(figures))
    if record:
        fill_readme("appliance.consultations.reading", table(figures))


if __name__ == "__main__":
    main()
