"""A release's record as people read it: its card, and its figures out of metrics.json."""

import json
from pathlib import Path
from typing import Any

from appliance.releases.schemas import FigureOut
from model.card import CARD, METRICS, read_record

CARD_CHARACTERS = 20_000


def card_of(folder: Path) -> str:
    """The text of CARD.md, "" when there is none."""
    path = folder / CARD
    return path.read_text("utf-8", "replace")[:CARD_CHARACTERS] if path.is_file() else ""


def figures_of(folder: Path) -> tuple[list[FigureOut], str]:
    """A line for each data set and label, and the protocol. What an upload's file lacks is left out."""
    if not (folder / METRICS).is_file():
        return [], ""
    try:
        verdict = read_record(folder)
        lines = [
            _figure(dataset, judged, label, figures["images"])
            for dataset, judged in verdict["datasets"].items()
            for label, figures in judged["labels"].items()
        ]
        return lines, str(verdict.get("protocol", ""))
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return [], ""


def _figure(dataset: str, judged: dict[str, Any], label: str, figures: dict[str, Any]) -> FigureOut:
    told = {name: _told(figures.get(name)) for name in ("dice", "iou", "sensitivity", "auc")}
    return FigureOut(dataset, label, int(judged["images"]), **told)


def _told(value: dict[str, float] | None) -> str:
    return f"{value['mean']:.3f}（{value['low']:.3f}–{value['high']:.3f}）" if value else "–"
