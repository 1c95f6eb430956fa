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
UNFINISHED = FOLDER / "unfinished.jsonl"


async def run(base: str | None, half: str, kept: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
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
                    _keep(half, kept[question.ask])
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


def kept(half: str) -> dict[str, dict[str, Any]]:
    """The rows that a run before this one left, by question."""
    if not UNFINISHED.exists():
        return {}
    lines = [json.loads(line) for line in UNFINISHED.read_text("utf-8").splitlines()]
    return {line["row"]["ask"]: line["row"] for line in lines if (line["of"], line["half"]) == (state(), half)}


def _keep(half: str, row: dict[str, Any]) -> None:
    with UNFINISHED.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"of": state(), "half": half, "row": row}, ensure_ascii=False) + "\n")


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
        "first token, median and 90th percentile, ms": lambda f: f"{f['firstTokenMsMedian']} / {f['firstTokenMs90']}",
    }
    head = f"| | {' | '.join(figures)} |\n|---|{'---|' * len(figures)}\n"
    cells = {name: " | ".join(str(get(figures[half])) for half in figures) for name, get in rows.items()}
    return head + "".join(f"| {name} | {row} |\n" for name, row in cells.items())


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
@click.option("--half", type=click.Choice(HALVES), help="default: all")
@click.option("--record", is_flag=True, help="keep the result in llm/evaluation/results.json")
def main(port: str | None, half: str | None, record: bool) -> None:
    """Ask the written questions and grade the answers."""
    halves = {each: anyio.run(run, port, each, kept(each)) for each in ([half] if half else HALVES)}
    figures = {each: summary(rows) for each, rows in halves.items()}
    click.echo(json.dumps(figures, indent=2))
    if record and not half:
        body = msgspec.json.format(msgspec.json.encode({"figures": figures, "answers": halves}), indent=1)
        (FOLDER / "results.json").write_bytes(body + b"\n")
        fill_readme("appliance.consultations.evaluate", table(figures))
        UNFINISHED.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
