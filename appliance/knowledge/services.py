"""Add, sign off, remove and search documents. The starter set is brought up to date at each start."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from appliance import audit
from appliance.auth.services import Account
from appliance.clock import utc_now
from appliance.database import Database, row, rows
from appliance.engines import Passage, knowledge
from appliance.errors import Conflict, Forbidden, NotFound
from appliance.knowledge.schemas import DocumentDetail, DocumentOut, DocumentPage, PassageOut
from appliance.knowledge.texts import passages_of

PAGE = 50
_DOCUMENT = (
    "SELECT d.*, a.username AS reviewer, (SELECT count(*) FROM passages p WHERE p.document_id = d.id) AS passages"
    " FROM documents d LEFT JOIN accounts a ON a.id = d.reviewed_by"
)


class DocumentNotFound(NotFound):
    code, message = "document_not_found", "找不到这份资料，它可能已被删除。"


@dataclass(frozen=True)
class _New:
    """A document before it is stored; `passages` are (title, phrasings, text)."""

    id: str
    title: str
    origin: str
    guideline: str
    url: str
    dated_on: str
    passages: Sequence[tuple[str, tuple[str, ...], str]]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(self.__dict__, ensure_ascii=False).encode()).hexdigest()


def bring_up_to_date(database: Database) -> None:
    """Store what is new or changed in the starter set, and index all anew, unless nothing has changed since."""
    version = knowledge.version()
    found = database.read(lambda db: row(db, "SELECT sha256 FROM knowledge_versions"))
    if found is None or found["sha256"] != version:
        database.write(lambda db: _update(db, version))


def search(database: Database, question: str, before: str = "") -> list[Passage]:
    """The passages for a question; `before` is the question that it follows, for one that does not stand alone."""

    def read(db: sqlite_utils.Database) -> list[Passage]:
        found = knowledge.search(db.conn, question)
        return found or (knowledge.search(db.conn, f"{before}。{question}") if before else [])

    return database.read(read)


def add(database: Database, account: Account | None, name: str, content: bytes, address: str) -> DocumentDetail:
    """Add a hospital's document. `account` is None at the box's own terminal. Raises Invalid, TooLarge, Conflict."""
    title = name.rsplit("/", 1)[-1].rsplit(".", 1)[0][:80] or "未命名资料"
    texts = passages_of(name, content)
    passages = [(f"{title}：{heading}" if heading else title, (), text) for heading, text in texts]
    new = _New(secrets.token_hex(12), title, "hospital", "", "", utc_now()[:10], passages)
    digest = hashlib.sha256(content).hexdigest()

    def insert(db: sqlite_utils.Database) -> None:
        if row(db, "SELECT 1 FROM documents WHERE sha256 = ?", digest):
            raise Conflict("这份资料已经导入过了。", "document_known")
        _insert(db, new, digest, account.id if account else None)
        audit.record(db, account.id if account else None, "document.create", new.id, address)

    database.write(insert)
    return get(database, new.id)


def get(database: Database, document_id: str) -> DocumentDetail:
    """One document with its passages. Raises DocumentNotFound."""

    def read(db: sqlite_utils.Database) -> DocumentDetail:
        found = row(db, f"{_DOCUMENT} WHERE d.id = ?", document_id)
        if found is None:
            raise DocumentNotFound()
        texts = rows(db, "SELECT title, text FROM passages WHERE document_id = ? ORDER BY position", document_id)
        return DocumentDetail(**_fields(found), texts=[PassageOut(text["title"], text["text"]) for text in texts])

    return database.read(read)


def list_all(database: Database, query: str = "", offset: int = 0) -> DocumentPage:
    """Documents by title, those that nobody has signed off first; `query` is looked for in titles and texts."""
    where = "WHERE ? = '' OR d.title LIKE ? OR d.id IN (SELECT document_id FROM passages WHERE text LIKE ?)"
    like = f"%{query}%"

    def read(db: sqlite_utils.Database) -> DocumentPage:
        order = "ORDER BY d.reviewed_at IS NOT NULL, d.origin, d.title LIMIT ? OFFSET ?"
        found = rows(db, f"{_DOCUMENT} {where} {order}", query, like, like, PAGE, offset)
        total = row(db, f"SELECT count(*) AS n FROM documents d {where}", query, like, like)  # noqa: S608
        return DocumentPage([DocumentOut(**_fields(each)) for each in found], total["n"] if total else 0)

    return database.read(read)


def review(database: Database, account: Account, document_id: str, address: str) -> DocumentDetail:
    """Sign a document off in the account's name. Raises Forbidden for who is no clinician, DocumentNotFound."""
    if not account.sees_all:
        raise Forbidden("只有医生或管理员可以签署资料。")

    def sign(db: sqlite_utils.Database) -> None:
        _must_exist(db, document_id)
        facts = {"reviewed_at": utc_now(), "reviewed_by": account.id}
        db.table("documents").update(document_id, facts)
        audit.record(db, account.id, "document.review", document_id, address)

    database.write(sign)
    return get(database, document_id)


def withdraw(database: Database, account: Account, document_id: str, address: str) -> DocumentDetail:
    """Take a signature back: answers say "not yet reviewed" again. Raises Forbidden, DocumentNotFound."""
    if not account.sees_all:
        raise Forbidden("只有医生或管理员可以撤回签署。")

    def unsign(db: sqlite_utils.Database) -> None:
        _must_exist(db, document_id)
        db.table("documents").update(document_id, {"reviewed_at": None, "reviewed_by": None})
        audit.record(db, account.id, "document.withdraw", document_id, address)

    database.write(unsign)
    return get(database, document_id)


def remove(database: Database, account: Account | None, document_id: str, address: str) -> None:
    """Take a hospital's document away. Raises DocumentNotFound, Conflict for one that came with the box."""

    def delete(db: sqlite_utils.Database) -> None:
        if _must_exist(db, document_id)["origin"] == "starter":
            raise Conflict("随机附带的资料不能删除。", "document_built_in")
        db.conn.execute("DELETE FROM documents WHERE id = ?", (document_id,))
        audit.record(db, account.id if account else None, "document.delete", document_id, address)

    database.write(delete)


def _must_exist(db: sqlite_utils.Database, document_id: str) -> dict[str, Any]:
    found = row(db, "SELECT * FROM documents WHERE id = ?", document_id)
    if found is None:
        raise DocumentNotFound()
    return found


def _update(db: sqlite_utils.Database, version: str) -> None:
    known = {each["id"]: each["sha256"] for each in rows(db, "SELECT * FROM documents WHERE origin = 'starter'")}
    for entry in knowledge.starter_entries():
        passages = [(entry.title, entry.asked, entry.text)]
        new = _New(f"starter-{entry.id}", entry.title, "starter", entry.guideline, entry.url, entry.date, passages)
        if known.pop(new.id, None) != new.sha256:
            # Another text is another document: whoever signed the old one has not read this one.
            db.conn.execute("DELETE FROM documents WHERE id = ?", (new.id,))
            _insert(db, new, new.sha256, None)
    for gone in known:
        db.conn.execute("DELETE FROM documents WHERE id = ?", (gone,))
    db.conn.execute("DELETE FROM passage_index")
    for passage in rows(db, "SELECT id, title, asked, text FROM passages"):
        knowledge.index(db.conn, passage["id"], passage["title"], json.loads(passage["asked"]), passage["text"])
    db.conn.execute("DELETE FROM knowledge_versions")
    db.table("knowledge_versions").insert({"sha256": version})


def _insert(db: sqlite_utils.Database, new: _New, sha256: str, account_id: str | None) -> None:
    facts = {name: value for name, value in new.__dict__.items() if name != "passages"}
    own = {**facts, "sha256": sha256, "created_at": utc_now(), "created_by": account_id}
    db.table("documents").insert(own)
    for position, (title, asked, text) in enumerate(new.passages):
        cursor = db.conn.execute(
            "INSERT INTO passages(document_id, position, title, asked, text) VALUES (?, ?, ?, ?, ?)",
            (new.id, position, title, json.dumps(asked, ensure_ascii=False), text),
        )
        knowledge.index(db.conn, cursor.lastrowid or 0, title, asked, text)


def _fields(found: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "title", "origin", "guideline", "url", "dated_on", "passages", "created_at", "reviewed_at")
    return {name: found[name] for name in names} | {"reviewed_by": found["reviewer"]}
