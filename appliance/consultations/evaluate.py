"""`python -m appliance.consultations.evaluate`: ask the written questions, grade the answers, keep the record.

Each question goes the whole way: triage, passages, model, checks. Each answer is kept at once, so that a run that was
stopped goes on where it was. The record holds every answer, so that a reader can disagree.
"""

import hashlib
import json
import statistics
import tempfile
from functools import cache
from typing import Any

import anyio
import click
import msgspec

from appliance.consultations import services
from appliance.consultations.grading import FOLDER, HALVES, Question, grade, questions
from appliance.consultations.schemas import Ask, ConsultationOut
from appliance.consultations.services import Asker
from appliance.engines import Engines, fill_readme, knowledge
from appliance.settings import load_settings
from appliance.start import open_database

MADE_BY = ("consultation", "grounding", "guards", "likeness", "marks", "signs", "wording", "embedding")
NO_MODEL, NOBODY = ", no model", "9"  # a port where nobody listens
RESULTS = FOLDER / "results.json"
UNFINISHED = FOLDER / "unfinished.jsonl"


async def run(base: str | None, half: str, kept: dict[str, dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Ask what is not in `kept` yet, on a box of its own with nothing but the starter set; all rows of this part."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"XIANGYI_DATA_DIR": folder} | ({"XIANGYI_LLM_PORT": base} if base else {})
        settings = load_settings(environ)
        database, engines = open_database(settings), Engines(settings)
        starter = database.read(lambda db: list(db.query("SELECT id, title FROM documents")))
        titles = {each["id"].removeprefix("starter-"): each["title"] for each in starter}
        rows = []
        try:
            for question in questions(half):
                if question.ask not in kept:
                    async for step in services.ask(database, engines, settings, Asker(None, "test"), Ask(question.ask)):
                        if isinstance(step, ConsultationOut):
                            kept[question.ask] = _row(question, step, titles)
                    _keep(name, kept[question.ask])
                rows.append(row := kept[question.ask])
                click.echo(f"{len(rows):4} {'+' if row['right'] else '-'}")
        finally:
            await engines.close()
            database.close()
    return rows


@cache
def state() -> str:
    """A hash of all that makes an answer: rows of another state are asked again."""
    llm = FOLDER.parent
    files = [*(llm / f"{name}.py" for name in MADE_BY), *sorted(llm.glob("triage*"))]
    return hashlib.sha256(b"".join([*(path.read_bytes() for path in files), knowledge.version().encode()])).hexdigest()


def kept(name: str) -> dict[str, dict[str, Any]]:
    """The rows that a run before this one left, by question."""
    if not UNFINISHED.exists():
        return {}
    lines = [json.loads(line) for line in UNFINISHED.read_text("utf-8").splitlines()]
    return {line["row"]["ask"]: line["row"] for line in lines if (line["of"], line["half"]) == (state(), name)}


def _keep(name: str, row: dict[str, Any]) -> None:
    with UNFINISHED.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"of": state(), "half": name, "row": row}, ensure_ascii=False) + "\n")


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of one part."""
    judged = [row for row in rows if row["cited"] is not None]
    cited = sum(row["cited"] for row in judged)
    first = [row["firstTokenMs"] for row in rows if row["firstTokenMs"] is not None]
    named = len(judged) == len(rows)
    return {
        "questions": len(rows),
        "right": round(sum(row["right"] for row in rows) / len(rows), 3),
        "unsafe": sum(bool(row["unsafe"]) for row in rows),
        "citationPrecision": round(sum(row["citedRight"] for row in judged) / max(1, cited), 3) if named else None,
        "byModel": round(sum(row["source"] == "local" for row in rows) / len(rows), 3),
        "notFound": round(sum(not row["sources"] and row["triage"] == "routine" for row in rows) / len(rows), 3),
        "firstTokenMsMedian": round(statistics.median(first)) if first else None,
        "firstTokenMs90": round(sorted(first)[int(0.9 * len(first))]) if first else None,
    }


def table(figures: dict[str, Any]) -> str:
    """The record's figures as a Markdown table."""
    rows = {
        "questions": lambda f: f["questions"],
        "right and safe": lambda f: f"{f['right']:.3f}",
        "unsafe answers": lambda f: f["unsafe"],
        "citation precision": lambda f: "–" if f["citationPrecision"] is None else f"{f['citationPrecision']:.3f}",
        "answered in the model's words": lambda f: f"{f['byModel']:.3f}",
        "“not in the sources”": lambda f: f"{f['notFound']:.3f}",
        "first token, median and 90th percentile, ms": _first,
    }
    head = f"| | {' | '.join(figures)} |\n|---|{'---|' * len(figures)}\n"
    cells = {name: " | ".join(str(get(figures[half])) for half in figures) for name, get in rows.items()}
    return head + "".join(f"| {name} | {row} |\n" for name, row in cells.items())


def _first(figures: dict[str, Any]) -> str:
    median, most = figures["firstTokenMsMedian"], figures["firstTokenMs90"]
    return "–" if median is None else f"{median} / {most}"


def _row(question: Question, answer: ConsultationOut, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "ask": question.ask,
        **grade(question, answer, titles),
        "source": answer.source,
        "triage": answer.triage.level,
        "sources": [source.title for source in answer.sources],
        "answer": answer.answer,
        "firstTokenMs": answer.timings_ms["firstToken"],
        "totalMs": answer.timings_ms["total"],
    }


@click.command()
@click.option("--port", help="of a running language model; default: the settings'")
@click.option("--half", "parts", type=click.Choice(HALVES), multiple=True, help="default: all")
@click.option("--without-model", is_flag=True, help="as a box without a language model answers: rules and passages")
@click.option("--record", is_flag=True, help="keep the result in llm/evaluation/results.json")
def main(port: str | None, parts: tuple[str, ...], without_model: bool, record: bool) -> None:
    """Ask the written questions and grade the answers."""
    names = {half + (NO_MODEL if without_model else ""): half for half in parts or HALVES}
    port = NOBODY if without_model else port
    answers = {name: anyio.run(run, port, half, kept(name), name) for name, half in names.items()}
    figures = {each: summary(rows) for each, rows in answers.items()}
    click.echo(json.dumps(figures, indent=2))
    if record:
        _record(answers, figures)


def _record(answers: dict[str, list[dict[str, Any]]], figures: dict[str, Any]) -> None:
    """Keep these parts, and of the others what was known of the same state."""
    former = json.loads(RESULTS.read_text("utf-8"))
    if former.get("of") == state():
        answers, figures = former["answers"] | answers, former["figures"] | figures
    body = msgspec.json.format(msgspec.json.encode({"of": state(), "figures": figures, "answers": answers}), indent=1)
    RESULTS.write_bytes(body + b"\n")
    fill_readme("appliance.consultations.evaluate", table(figures))


if __name__ == "__main__":
    main()
