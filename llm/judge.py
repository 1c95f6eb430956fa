"""`python -m llm.judge`: the triage on phrasings by two who had seen neither rules nor examples; figures, no rows.

Each recorded opening is kept with the rules that it judged: a set that is opened often is no judge any more.
"""

import csv
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import click

from llm.tables import fill
from llm.triage import RULES_VERSION, triage

FOLDER = Path(__file__).parent / "evaluation"
RECORD = FOLDER / "triage.json"
SETS = ("blind", "villagers")
Z = 1.96  # for 95 %


def phrasings(name: str) -> list[tuple[str, str]]:
    """(level, phrase) of a judging set."""
    with (FOLDER / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return [(row["level"], row["phrase"]) for row in csv.DictReader(file, delimiter="\t")]


def judged(name: str) -> dict[str, int | str]:
    """How many red flags are found, and how many routine phrasings raise an alarm."""
    found = [(level != "routine", triage(phrase).level != "routine") for level, phrase in phrasings(name)]
    return {
        "set": name,
        "rules": RULES_VERSION,
        "red": sum(red for red, _ in found),
        "found": sum(red and alarm for red, alarm in found),
        "routine": sum(not red for red, _ in found),
        "alarms": sum(alarm and not red for red, alarm in found),
    }


def interval(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    share, spread = part / whole, Z * Z / whole
    middle, half = share + spread / 2, Z * math.sqrt(share * (1 - share) / whole + spread / (4 * whole))
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


def table(openings: list[dict]) -> str:
    """The openings as a Markdown table."""
    head = "| opened | set | rules | recall | false alarms |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| {each['date']} | {each['set']} | {each['rules']} | {_share(each['found'], each['red'])} "
        f"| {_share(each['alarms'], each['routine'])} |\n"
        for each in openings
    )


def _share(part: int, whole: int) -> str:
    low, high = interval(part, whole)
    return f"{part / whole:.3f} ({part} of {whole}; {low:.3f} to {high:.3f})"


@click.command()
@click.option("--record", is_flag=True, help="keep the figures in llm/evaluation/triage.json and README.md")
def main(record: bool) -> None:
    """Judge the triage by llm/evaluation/blind.tsv and villagers.tsv."""
    today = [{"date": f"{datetime.now(UTC):%Y-%m-%d}", **judged(name)} for name in SETS]
    openings = [*json.loads(RECORD.read_text("utf-8")), *today]
    click.echo(table(openings))
    if record:
        RECORD.write_text(json.dumps(openings, indent=1) + "\n", "utf-8")
        fill("llm.judge", table(openings))


if __name__ == "__main__":
    main()
