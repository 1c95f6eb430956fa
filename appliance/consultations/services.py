"""Ask the consultant, keep question and answer, read, rate and export them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import anyio.to_thread
import sqlite_utils

from appliance import audit
from appliance.auth.services import Account
from appliance.clock import utc_ago
from appliance.consultations import records
from appliance.consultations.questions import Wanted
from appliance.consultations.schemas import Ask, ConsultationOut, ConsultationPage, QueuedOut, SentOut, TriageOut
from appliance.database import Database, row, rows
from appliance.engines import Answered, Asked, Delta, Engines, Queued, Sent, Triaged
from appliance.errors import ConsultationNotFound, Invalid, TooLarge, TooManyRequests
from appliance.knowledge.services import search
from appliance.lists import Where
from appliance.overrides.services import current
from appliance.settings import LimitSettings, Settings
from appliance.studies.services import findings_text

PAGE = 20
HISTORY = 2
# A page of what the index holds, from the newest match on: numbers grow with time.
_FOUND = """SELECT c.id FROM question_index CROSS JOIN consultations c ON c.number = question_index.rowid
    WHERE {} ORDER BY question_index.rowid DESC LIMIT ?"""
Progress = TriageOut | QueuedOut | SentOut | str | ConsultationOut


@dataclass(frozen=True)
class Asker:
    """Who asks: `account` is None at the box's own terminal; `address` is where the question came from."""

    account: Account | None
    address: str

    @property
    def account_id(self) -> str | None:
        return self.account.id if self.account else None


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
    database: Database, engines: Engines, settings: Settings, asker: Asker, ask: Ask
) -> AsyncIterator[Progress]:
    """Yield the triage, then places in the queue and pieces of the answer, then the whole consultation, stored by then.

    Raises Invalid, TooLarge, ConsultationNotFound, StudyNotFound, and TooManyRequests for too much that would leave.
    """
    question = check_question(ask.question, settings.limits)
    settings = await anyio.to_thread.run_sync(current, database, settings)
    await engines.use_fallback(settings.fallback)
    asked = await anyio.to_thread.run_sync(_prepare, database, settings, asker, ask, question)
    async for event in engines.consultant.answer(asked):
        match event:
            case Triaged(triage):
                yield TriageOut(triage.level, triage.rule, triage.advice)
            case Queued(place):
                yield QueuedOut(place)
            case Sent(text, host):
                # Noted before it leaves: whatever happens then, it is known what went where.
                await database.awrite(lambda db, host=host: _note_sent(db, asker, host))  # type: ignore[misc]
                yield SentOut(text, host)
            case Delta(text):
                yield text
            case Answered():
                yield await _keep(database, asker, ask, question, event)


def get(database: Database, account: Account, consultation_id: str, address: str) -> ConsultationOut:
    """One consultation, audited. Raises ConsultationNotFound, also for one that this account may not see."""
    consultation = database.read(lambda db: records.out(_visible(db, account, consultation_id)))
    own = partial(is_own, database, account, consultation_id)
    audit.record_view(database, account.id, "consultation.read", consultation_id, address, own=own)
    return consultation


def is_own(database: Database, account: Account, consultation_id: str) -> bool:
    """Whether this account asked it."""
    sql = "SELECT 1 FROM consultations WHERE id = ? AND account_id = ?"
    return database.read(lambda db: row(db, sql, consultation_id, account.id)) is not None


def list_own(database: Database, account: Account, before: str | None = None, q: str = "") -> ConsultationPage:
    """The account's own consultations, newest first, with the words of `q` in the question; `before` is the cursor
    that the last page gave."""
    where, words = Where(), Wanted.of(q)
    where.add("c.account_id = ? AND c.created_at < ?", account.id, before or "9999")
    words.narrow(where, "c.question")
    if indexed := words.indexed_of(account.id):
        where.add("c.deleted_at IS NULL AND question_index MATCH ?", indexed)
        sql = f"{records.CONSULTATION} WHERE c.id IN ({_FOUND.format(where.sql)}) ORDER BY c.created_at DESC"
    else:
        sql = f"{records.CONSULTATION} WHERE {where.sql} ORDER BY c.created_at DESC LIMIT ?"
    found = database.read(lambda db: rows(db, sql, *where.parameters, PAGE + 1))
    audit.record_view(database, account.id, "consultation.list", account.id, own=lambda: True)
    items = [records.out(consultation) for consultation in found[:PAGE]]
    return ConsultationPage(items, items[-1].created_at if len(found) > PAGE else None)


def export(database: Database, account: Account, address: str, everyones: bool = False) -> list[ConsultationOut]:
    """All own consultations, oldest first, audited; everyone's for an admin who asks for them."""
    every = everyones and account.role == "admin"
    sql = f"{records.CONSULTATION} WHERE (? OR c.account_id = ?) ORDER BY c.created_at"
    found = database.read(lambda db: [records.out(each) for each in rows(db, sql, every, account.id)])
    subject = "all" if every else account.id
    database.write(lambda db: audit.record(db, account.id, "consultation.export", subject, address))
    return found


def rate(database: Database, account: Account, consultation_id: str, rating: int | None, address: str) -> None:
    """Keep whether an own answer helped: 1, -1, or None. Raises Invalid, ConsultationNotFound."""
    if rating not in (1, -1, None):
        raise Invalid("评价只能是有用或没用。", "rating_invalid")

    def update(db: sqlite_utils.Database) -> None:
        if _visible(db, account, consultation_id)["account_id"] != account.id:
            raise ConsultationNotFound()
        db.table("consultations").update(consultation_id, {"rating": rating})
        audit.record(db, account.id, "consultation.rate", consultation_id, address)

    database.write(update)


def _prepare(database: Database, settings: Settings, asker: Asker, ask: Ask, question: str) -> Asked:
    """What the answer may use: passages, what was said before, a study's findings."""
    history = _history(database, asker.account, ask.previous_id) if ask.previous_id else []
    findings = findings_text(database, asker.account, ask.study_id) if ask.study_id and asker.account else ""
    before = history[-1][0] if history else findings
    if ask.outside and settings.fallback.url:
        _check_quota(database, settings.fallback.daily_questions)
    return Asked(question, search(database, question, before), history, findings, ask.outside)


def _history(database: Database, account: Account | None, consultation_id: str) -> list[tuple[str, str]]:
    """The last questions and answers of a thread, oldest first. Raises ConsultationNotFound."""

    def read(db: sqlite_utils.Database) -> list[tuple[str, str]]:
        turns: list[tuple[str, str]] = []
        next_id = consultation_id
        while next_id and len(turns) < HISTORY:
            found = _visible(db, account, next_id)
            turns.append((found["question"], found["answer"]))
            next_id = found["previous_id"]
        return turns[::-1]

    return database.read(read)


def _check_quota(database: Database, most: int) -> None:
    since = utc_ago(timedelta(days=1))
    sql = "SELECT count(*) AS n FROM audit_rows WHERE action = 'consultation.sent' AND at > ?"
    sent = database.read(lambda db: row(db, sql, since))
    if sent and sent["n"] >= most:
        raise TooManyRequests("今天发往外部模型的问题已达上限，请用本机模型回答。", "outside_quota")


def _note_sent(db: sqlite_utils.Database, asker: Asker, host: str) -> None:
    audit.record(db, asker.account_id, "consultation.sent", host, asker.address)


def _visible(db: sqlite_utils.Database, account: Account | None, consultation_id: str) -> dict:
    """Raises ConsultationNotFound. The terminal (no account) sees what was asked there."""
    found = row(db, f"{records.CONSULTATION} WHERE c.id = ?", consultation_id)
    own = found is not None and found["account_id"] == (account.id if account else None)
    if found is None or not (own or (account is not None and account.sees_all)):
        raise ConsultationNotFound()
    return found


async def _keep(database: Database, asker: Asker, ask: Ask, question: str, answered: Answered) -> ConsultationOut:
    made = records.made(question, answered, ask)

    def insert(db: sqlite_utils.Database) -> None:
        records.insert(db, made, asker.account_id)
        audit.record(db, asker.account_id, "consultation.create", made.id, asker.address)

    await database.awrite(insert)
    return made
