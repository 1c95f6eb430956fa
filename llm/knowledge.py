"""What the box may answer from: passages in SQLite's full-text index, found by pairs of Chinese characters.

Pairs need no dictionary and forgive typing errors at their edges; lay words are first turned into the medical ones
(synonyms.toml), in passages and questions alike. BM25 finds candidates; whether one fits at all is decided by how much
of the question it covers, rare pairs counting most, for BM25's own scores have no fixed scale. The tables
documents, passages and passage_index are the caller's.
"""

import hashlib
import math
import re
import sqlite3
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ENTRIES = Path(__file__).parent / "entries"
SYNONYMS = Path(__file__).with_name("synonyms.toml")
FITS = 0.42
CLOSE = 0.92  # a second passage that covers this share of what the best one covers is read as well
CANDIDATES = 12
# Pairs in the title and in the known phrasings of a question say more than pairs in the text.
_WEIGHTS = (4.0, 3.0, 1.0)
_FILLERS = re.compile(
    r"请问|医生|大夫|你好|您好|谢谢|我想(问|知道)(一下)?|怎么(办|样|回事|弄|搞)|咋(办|样|整|弄|回事)|什么|为什么|为啥|啥|"
    r"能不能|可不可以|可以|是不是|会不会|要不要|该不该|有没有|需不需要|行不行|好不好|应该|需要|平时|一般|如何|哪些|"
    r"有点|有些|老是|总是|经常|最近|现在|一直|这个|那个|我们?|他们?|她|你|您|俺|咱|家里|的话|[吗呢吧啊呀了的得地着过]"
)
_CANDIDATES = (
    "SELECT p.id, p.title, p.text, d.guideline, d.url, d.reviewed_at IS NOT NULL,"
    " i.title || ' ' || i.asked || ' ' || i.text"
    " FROM passage_index i JOIN passages p ON p.id = i.rowid JOIN documents d ON d.id = p.document_id"
    " WHERE passage_index MATCH ? ORDER BY bm25(passage_index, ?, ?, ?) LIMIT ?"
)
_RUN = re.compile(r"[一-鿿]+|[a-z0-9.]+")


@dataclass(frozen=True)
class Entry:
    """One text of the starter set. `asked`: how patients ask for it. `guideline`, `url`: "" where none was found."""

    id: str
    title: str
    asked: tuple[str, ...]
    text: str
    guideline: str
    url: str
    date: str


@dataclass(frozen=True)
class Passage:
    """A text that an answer may rest on. `fit` 0…1: how much of the question it covers."""

    id: int
    title: str
    text: str
    guideline: str
    url: str
    reviewed: bool
    fit: float = 0.0


def version() -> str:
    """A hash that changes with the starter set and the synonyms: then all is stored and indexed anew."""
    files = [SYNONYMS, Path(__file__), *sorted(ENTRIES.glob("*.toml"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def starter_entries() -> list[Entry]:
    """The entries that come with the box, in the order of their files. Raises ValueError for an id used twice."""
    tables = [table for path in sorted(ENTRIES.glob("*.toml")) for table in _read(path)["entry"]]
    entries = [Entry(**{**table, "asked": tuple(table["asked"])}) for table in tables]
    if len({entry.id for entry in entries}) < len(entries):
        raise ValueError("an entry's id is used twice")
    return entries


def index(connection: sqlite3.Connection, passage_id: int, title: str, asked: Iterable[str], text: str) -> None:
    """Make a passage findable."""
    columns = [" ".join(pairs(part)) for part in (title, "。".join(asked), text)]
    connection.execute(
        "INSERT INTO passage_index(rowid, title, asked, text) VALUES (?, ?, ?, ?)", (passage_id, *columns)
    )


def search(connection: sqlite3.Connection, question: str, most: int = 2) -> list[Passage]:
    """The passages that fit a question, best first; empty when none does."""
    wanted = list(dict.fromkeys(pairs(_FILLERS.sub(" ", canonical(question)))))
    if not wanted:
        return []
    rarity = _rarity(connection, wanted)
    found = [
        (_cover(wanted, rarity, indexed), rank, Passage(id_, title, text, guideline, url, bool(reviewed)))
        for rank, (id_, title, text, guideline, url, reviewed, indexed) in enumerate(_candidates(connection, wanted))
    ]
    best = sorted(found, key=lambda each: (-each[0], each[1]))
    kept = [
        Passage(**{**passage.__dict__, "fit": round(fit, 3)})
        for fit, _, passage in best[:most]
        if fit >= max(FITS, CLOSE * best[0][0])
    ]
    return kept


def pairs(text: str) -> list[str]:
    """The neighbouring pairs of Chinese characters, and other words whole."""
    words = []
    for run in _RUN.findall(canonical(text)):
        chinese = "一" <= run[0] <= "鿿"
        words += [run[i : i + 2] for i in range(len(run) - 1)] if chinese and len(run) > 1 else [run]
    return words


def canonical(text: str) -> str:
    """Half-width, lower case, lay words as medical ones."""
    text = unicodedata.normalize("NFKC", text).lower()
    pattern, medical = _synonyms()
    return pattern.sub(lambda found: medical[found[0]], text)


def _candidates(connection: sqlite3.Connection, wanted: list[str]) -> list[tuple]:
    query = " OR ".join(f'"{pair}"' for pair in wanted)
    return connection.execute(_CANDIDATES, (query, *_WEIGHTS, CANDIDATES)).fetchall()


def _rarity(connection: sqlite3.Connection, wanted: list[str]) -> dict[str, float]:
    """What each pair says: much when few passages have it."""
    (total,) = connection.execute("SELECT count(*) FROM passage_index").fetchone()
    counts = {
        pair: connection.execute(
            "SELECT count(*) FROM passage_index WHERE passage_index MATCH ?", (f'"{pair}"',)
        ).fetchone()[0]
        for pair in wanted
    }
    return {pair: math.log(1 + total / (1 + count)) for pair, count in counts.items()}


def _cover(wanted: list[str], rarity: dict[str, float], indexed: str) -> float:
    has = set(indexed.split())
    return sum(rarity[pair] for pair in wanted if pair in has) / sum(rarity.values())


@cache
def _synonyms() -> tuple[re.Pattern[str], dict[str, str]]:
    table = _read(SYNONYMS)
    # The medical words stand for themselves, or the lay word in them would be turned once more.
    medical = {lay: word for word, lays in table.items() for lay in (*lays, word)}
    longest_first = sorted(medical, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), medical


def _read(path: Path) -> dict:
    return tomllib.loads(path.read_text("utf-8"))
