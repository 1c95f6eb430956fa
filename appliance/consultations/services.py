"""Ask the consultant, keep question and answer, read them again."""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import sqlite_utils

from appliance import audit
from appliance.auth.services import Account
from appliance.clock import utc_now
from appliance.consultations.schemas import ConsultationOut, ConsultationPage, SourceOut, TriageOut
from appliance.database import Database, row, rows
from appliance.engines import (
    DISCLAIMER,
    RULE_DISCLAIMER,
    Answered,
    BackendUnavailable,
    Delta,
    Engines,
    LlmUnavailable,
    Triaged,
)
from appliance.errors import ConsultationNotFound, Invalid, TooLarge
from appliance.settings import LimitSettings

PAGE = 20
Progress = TriageOut | str | ConsultationOut

_CONSULTATION = (
    "SELECT c.id, c.account_id, c.created_at, q.text AS question, a.text AS answer,"
    " a.triage, a.sources, a.source, a.model, a.timings_ms FROM consultations c"
    " JOIN messages q ON q.consultation_id = c.id AND q.position = 0"
    " JOIN messages a ON a.consultation_id = c.id AND a.position = 1"
)


def check_question(question: str, limits: LimitSettings) -> str:
    """The question without blanks around it. Raises Invalid, TooLarge."""
    question = question.strip()
    if not question:
        raise Invalid("请写下您的问题。", "question_empty")
    if len(question) > limits.question_characters:
        most = limits.question_characters
        raise TooLarge(f"问题请不超过 {most} 个字。", "question_too_long", maxCharacters=most)
    return question


async def ask(
    database: Database, engines: Engines, account: Account | None, question: str, address: str
) -> AsyncIterator[Progress]:
    """Yield the triage, then pieces of the answer as text, then the whole consultation, stored by then.

    `account` is None for a question from the box's own terminal.

    Raises LlmUnavailable; before the first piece when the model is known to be away.
    """
    try:
        async for event in engines.consultant.answer(question):
            match event:
                case Triaged(triage):
                    if not triage.advice:
                        await _require_model(engines)
                    yield TriageOut(triage.level, triage.rule, triage.advice)
                case Delta(text):
                    yield text
                case Answered():
                    yield await _keep(database, account, question, event, address)
    except BackendUnavailable as error:
        raise LlmUnavailable.of(error) from error


def get(database: Database, account: Account, consultation_id: str, address: str) -> ConsultationOut:
    """One consultation, audited. Raises ConsultationNotFound, also for one that this account may not see."""

    def read(db: sqlite_utils.Database) -> ConsultationOut:
        found = row(db, f"{_CONSULTATION} WHERE c.id = ?", consultation_id)
        if found is None or not (account.sees_all or found["account_id"] == account.id):
            raise ConsultationNotFound()
        return _out(found)

    consultation = database.read(read)
    database.write(lambda db: audit.record(db, account.id, "consultation.read", consultation_id, address))
    return consultation


def list_own(database: Database, account: Account, before: str | None = None) -> ConsultationPage:
    """The account's own consultations, newest first; `before` is the cursor that the last page gave."""
    sql = f"{_CONSULTATION} WHERE c.account_id = ? AND c.created_at < ? ORDER BY c.created_at DESC LIMIT ?"
    found = database.read(lambda db: rows(db, sql, account.id, before or "9999", PAGE + 1))
    database.write(lambda db: audit.record(db, account.id, "consultation.list", account.id))
    items = [_out(consultation) for consultation in found[:PAGE]]
    return ConsultationPage(items, items[-1].created_at if len(found) > PAGE else None)


async def _require_model(engines: Engines) -> None:
    health = await engines.llm_health()
    if health.state != "ready":
        raise LlmUnavailable(
            health.message_zh, f"llm_{health.state}", doneBytes=health.done_bytes, totalBytes=health.total_bytes
        )


async def _keep(
    database: Database, account: Account | None, question: str, answered: Answered, address: str
) -> ConsultationOut:
    consultation = ConsultationOut(
        id=secrets.token_hex(12),
        question=question,
        answer=answered.answer,
        triage=TriageOut(answered.triage.level, answered.triage.rule, answered.triage.advice),
        sources=[SourceOut(source.title, source.passage, source.url) for source in answered.sources],
        source=answered.source,
        model=answered.model,
        timings_ms={"firstToken": _rounded(answered.first_token_ms), "total": _rounded(answered.total_ms)},
        created_at=utc_now(),
        disclaimer=_disclaimer(answered.source),
    )

    def insert(db: sqlite_utils.Database) -> None:
        account_id = account.id if account else None
        own = {"id": consultation.id, "account_id": account_id, "created_at": consultation.created_at}
        db.table("consultations").insert(own)
        for position, message in enumerate(_messages(consultation)):
            common = {"id": secrets.token_hex(12), "consultation_id": consultation.id, "position": position}
            db.table("messages").insert({**common, **message, "created_at": consultation.created_at})
        audit.record(db, account_id, "consultation.create", consultation.id, address)

    await database.awrite(insert)
    return consultation


def _messages(consultation: ConsultationOut) -> list[dict[str, Any]]:
    answer = {
        "role": "assistant",
        "text": consultation.answer,
        "triage": msgspec.json.encode(consultation.triage).decode(),
        "sources": msgspec.json.encode(consultation.sources).decode(),
        "source": consultation.source,
        "model": consultation.model,
        "timings_ms": json.dumps(consultation.timings_ms),
    }
    return [{"role": "user", "text": consultation.question}, answer]


def _out(found: dict[str, Any]) -> ConsultationOut:
    return ConsultationOut(
        id=found["id"],
        question=found["question"],
        answer=found["answer"],
        triage=msgspec.json.decode(found["triage"], type=TriageOut),
        sources=msgspec.json.decode(found["sources"], type=list[SourceOut]),
        source=found["source"],
        model=found["model"],
        timings_ms=json.loads(found["timings_ms"]),
        created_at=found["created_at"],
        disclaimer=_disclaimer(found["source"]),
    )


def _disclaimer(source: str) -> str:
    """A rule's advice must not be passed off as AI-made, nor an AI's answer as a rule's."""
    return RULE_DISCLAIMER if source == "triage" else DISCLAIMER


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
