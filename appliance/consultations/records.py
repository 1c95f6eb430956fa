"""A consultation as rows and back: a question is message 0, its answer message 1."""

import json
import secrets
from typing import Any

import msgspec
import sqlite_utils

from appliance.clock import utc_now
from appliance.consultations.schemas import Ask, ConsultationOut, SourceOut, TriageOut
from appliance.engines import DISCLAIMER, PASSAGE_DISCLAIMER, RULE_DISCLAIMER, Answered

# With a plus no index on what is deleted tempts SQLite: nearly all is not, and it walked a whole box's history.
CONSULTATION = (
    "SELECT c.id, c.account_id, c.created_at, c.previous_id, c.study_id, c.rating, q.text AS question,"
    " a.text AS answer, a.triage, a.sources, a.source, a.model, a.timings_ms, a.sent FROM consultations c"
    " JOIN messages q ON q.consultation_id = c.id AND q.position = 0 AND +c.deleted_at IS NULL"
    " JOIN messages a ON a.consultation_id = c.id AND a.position = 1"
)
# A rule's advice must not be passed off as AI-made, nor an AI's answer as a rule's.
_DISCLAIMERS = {"triage": RULE_DISCLAIMER, "passages": PASSAGE_DISCLAIMER}


def made(question: str, answered: Answered, ask: Ask) -> ConsultationOut:
    """A new consultation."""
    triage = answered.triage
    return ConsultationOut(
        id=secrets.token_hex(12),
        question=question,
        answer=answered.answer,
        triage=TriageOut(triage.level, triage.rule, triage.advice),
        sources=[
            SourceOut(source.title, source.text, source.url or None, source.guideline or None, source.reviewed)
            for source in answered.sources
        ],
        source=answered.source,
        model=answered.model,
        timings_ms={"firstToken": _rounded(answered.first_token_ms), "total": _rounded(answered.total_ms)},
        created_at=utc_now(),
        disclaimer=_DISCLAIMERS.get(answered.source, DISCLAIMER),
        previous_id=ask.previous_id,
        study_id=ask.study_id,
        sent=answered.sent,
    )


def insert(db: sqlite_utils.Database, consultation: ConsultationOut, account_id: str | None) -> None:
    """Store it in the caller's transaction."""
    own = {name: getattr(consultation, name) for name in ("id", "previous_id", "study_id", "created_at")}
    db.table("consultations").insert({**own, "account_id": account_id})
    for position, message in enumerate(_messages(consultation)):
        common = {"id": secrets.token_hex(12), "consultation_id": consultation.id, "position": position}
        db.table("messages").insert({**common, **message, "created_at": consultation.created_at})


def out(found: dict[str, Any]) -> ConsultationOut:
    """From a row of CONSULTATION."""
    same = ("id", "question", "answer", "source", "model", "created_at", "previous_id", "study_id", "rating", "sent")
    return ConsultationOut(
        **{name: found[name] for name in same},
        triage=msgspec.json.decode(found["triage"], type=TriageOut),
        sources=msgspec.json.decode(found["sources"], type=list[SourceOut]),
        timings_ms=json.loads(found["timings_ms"]),
        disclaimer=_DISCLAIMERS.get(found["source"], DISCLAIMER),
    )


def _messages(consultation: ConsultationOut) -> list[dict[str, Any]]:
    answer = {
        "role": "assistant",
        "text": consultation.answer,
        "triage": msgspec.json.encode(consultation.triage).decode(),
        "sources": msgspec.json.encode(consultation.sources).decode(),
        "source": consultation.source,
        "model": consultation.model,
        "timings_ms": json.dumps(consultation.timings_ms),
        "sent": consultation.sent,
    }
    return [{"role": "user", "text": consultation.question}, answer]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
