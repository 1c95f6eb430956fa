"""What the box may answer from: passages, found by pairs of Chinese characters and by meaning.

Pairs need no dictionary and forgive typing errors at their edges; lay words are first turned into the medical ones
(synonyms.toml), in passages and questions alike. BM25 finds candidates, and each counts by how much of the question it
covers, rare pairs most, for BM25's own scores have no fixed scale. Meaning (embedding.py) finds the rest. The tables
documents, passages and passage_index are the caller's.
"""

import hashlib
import math
import re
import sqlite3
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from llm import embedding

ENTRIES = Path(__file__).parent / "entries"
SYNONYMS = Path(__file__).with_name("synonyms.toml")
# All limits were tried on the tuned half of llm/evaluation.
LIKE = 1.22
NEAR = 0.1  # a second passage that is so close to the best one is read as well
TEXT, WORDS = 2.0, 0.6  # beside the best phrasing and the mean of all phrasings, which count 1 each
# By words alone, where there are no vectors: what it takes to fit at all, in rare pairs and as a share of the question.
EVIDENCE = 4.0
FITS = 0.15
CLOSE = 0.88  # a second passage that covers this share of what the best one covers is read as well
CANDIDATES = 20
# Pairs in the title and in the known phrasings of a question say more than pairs in the text.
_BM25_WEIGHTS = (4.0, 3.0, 1.0)
_TITLE, _ASKED, _TEXT = 1.2, 1.0, 0.6
_UNHEARD = 0.35  # a pair that no passage has: mostly chatter, now and then the very thing that is not known here
_FILLERS = re.compile(
    r"请问|医生|大夫|你好|您好|谢谢|我想(问|知道)(一下)?|想知道|怎么(办|样|回事|弄|搞)?|咋(办|样|整|弄|回事)?|什么|为什么|为啥|啥时候|啥|"
    r"能不能|可不可以|可以|是不是|会不会|要不要|该不该|有没有|需不需要|行不行|好不好|[行能好要会是对管]不(?=$|[，。,?？])|行吗|管用|有用|"
    r"应该|需要|平时|一般|如何|哪些|多少钱|多少|几天|多久|合适|要紧|有点|有些|老是|老觉得|总是|总觉得|经常|最近|现在|一直|突然|反正|这阵子|"
    r"这个|那个|我们?|他们?|她|你|您|俺|咱|家里|在家|老爹|的话|[吗呢吧啊呀了的得地着过咋]"
)
_CANDIDATES = (
    "SELECT rowid, title, asked, text FROM passage_index WHERE passage_index MATCH ?"
    " ORDER BY bm25(passage_index, ?, ?, ?) LIMIT ?"
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
    """A text that an answer may rest on. `fit`: how well, to be compared within one search only."""

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


def index(connection: sqlite3.Connection, passage_id: int, title: str, asked: Sequence[str], text: str) -> None:
    """Make a passage findable, by its words and by its meaning."""
    columns = [" ".join(pairs(part)) for part in (title, "。".join(asked), text)]
    connection.execute(
        "INSERT INTO passage_index(rowid, title, asked, text) VALUES (?, ?, ?, ?)", (passage_id, *columns)
    )
    vectors = embedding.of_passage(title, asked, text)
    if vectors is not None:
        connection.execute("UPDATE passages SET vectors = ? WHERE id = ?", (vectors.tobytes(), passage_id))


def search(connection: sqlite3.Connection, question: str, most: int = 2) -> list[Passage]:
    """The passages that fit a question, best first; empty when none does."""
    words = _by_words(connection, question)
    meaning = _by_meaning(connection, question)
    if meaning:
        scores = {id_: likeness + WORDS * words.get(id_, (0.0, 0.0))[0] for id_, likeness in meaning.items()}
        least, close = LIKE, NEAR
    else:
        scores = {id_: share for id_, (share, evidence) in words.items() if evidence >= EVIDENCE}
        least, close = FITS, CLOSE * max(scores.values(), default=0.0)
    best = sorted(scores, key=scores.__getitem__, reverse=True)[:most]
    floor = max(least, scores[best[0]] - close if meaning else close) if best else 0.0
    return [_passage(connection, id_, scores[id_]) for id_ in best if scores[id_] >= floor]


def _by_words(connection: sqlite3.Connection, question: str) -> dict[int, tuple[float, float]]:
    """BM25's best candidates: the share of the question that each covers, and the evidence for it in rare pairs."""
    wanted = list(dict.fromkeys(pairs(_FILLERS.sub(" ", canonical(question)))))
    if not wanted:
        return {}
    rarity, whole = _rarity(connection, wanted)
    held = {id_: _evidence(rarity, indexed) for id_, *indexed in _candidates(connection, wanted)}
    return {id_: (evidence / whole, evidence) for id_, evidence in held.items()}


def _by_meaning(connection: sqlite3.Connection, question: str) -> dict[int, float]:
    """How alike each passage is: its best phrasing, all its phrasings, its text; empty where there are no vectors."""
    vector = embedding.of_question(question)
    rows = connection.execute("SELECT id, vectors FROM passages WHERE vectors IS NOT NULL").fetchall()
    if vector is None or not rows or not _RUN.search(canonical(question)):
        return {}
    each = [np.frombuffer(blob, np.float16).reshape(-1, embedding.SIZE) for _, blob in rows]
    starts = np.cumsum([0, *(len(vectors) for vectors in each[:-1])])
    every, asked = np.concatenate(each), embedding.centred(vector, "query")
    likeness = embedding.centred(every, "query") @ asked
    text = embedding.centred(every[starts], "passage") @ asked
    phrasing = np.array([part[1:].max() + part[1:].mean() for part in np.split(likeness, starts[1:])])
    return dict(zip((id_ for id_, _ in rows), (phrasing + TEXT * text).tolist(), strict=True))


def _passage(connection: sqlite3.Connection, passage_id: int, fit: float) -> Passage:
    row = connection.execute(
        "SELECT p.id, p.title, p.text, d.guideline, d.url, d.reviewed_at IS NOT NULL"
        " FROM passages p JOIN documents d ON d.id = p.document_id WHERE p.id = ?",
        (passage_id,),
    ).fetchone()
    id_, title, text, guideline, url, reviewed = row
    return Passage(id_, title, text, guideline, url, bool(reviewed), round(fit, 3))


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
    return connection.execute(_CANDIDATES, (query, *_BM25_WEIGHTS, CANDIDATES)).fetchall()


def _rarity(connection: sqlite3.Connection, wanted: list[str]) -> tuple[dict[str, float], float]:
    """What each pair says, much when few passages have it; and what the whole question says."""
    (total,) = connection.execute("SELECT count(*) FROM passage_index").fetchone()
    counts = {
        pair: connection.execute(
            "SELECT count(*) FROM passage_index WHERE passage_index MATCH ?", (f'"{pair}"',)
        ).fetchone()[0]
        for pair in wanted
    }
    rarity = {pair: math.log(1 + total / (1 + count)) for pair, count in counts.items()}
    return rarity, sum(value * (1 if counts[pair] else _UNHEARD) for pair, value in rarity.items())


def _evidence(rarity: dict[str, float], indexed: list[str]) -> float:
    """How much of the question a passage holds; `indexed`: the pairs of its title, phrasings and text."""
    columns = [(set(column.split()), weight) for column, weight in zip(indexed, (_TITLE, _ASKED, _TEXT), strict=True)]
    return sum(
        value * max((weight for column, weight in columns if pair in column), default=0.0)
        for pair, value in rarity.items()
    )


@cache
def _synonyms() -> tuple[re.Pattern[str], dict[str, str]]:
    table = _read(SYNONYMS)
    # The medical words stand for themselves, or the lay word in them would be turned once more.
    medical = {lay: word for word, lays in table.items() for lay in (*lays, word)}
    longest_first = sorted(medical, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), medical


def _read(path: Path) -> dict:
    return tomllib.loads(path.read_text("utf-8"))
