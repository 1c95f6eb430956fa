"""What the box may answer from: passages, found by pairs of Chinese characters and by meaning.

Pairs need no dictionary and forgive typing errors at their edges; lay words are first turned into the medical ones
(synonyms.toml), in passages and questions alike. BM25 finds candidates, and each counts by how much of the question it
covers, rare pairs most, for BM25's own scores have no fixed scale. Meaning (embedding.py) finds the rest, and both
together decide what fits, if anything does (choice.py). The tables documents, passages and passage_index are the
caller's.
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

from llm import choice, embedding

ENTRIES = Path(__file__).parent / "entries"
SYNONYMS = Path(__file__).with_name("synonyms.toml")
NONE = 0.7  # a passage fits whose share is at least so much of the share of "none of them"
SECOND = 0.4  # a second passage with this share is read as well
# By words alone, where there are no vectors: what it takes to fit at all, in rare pairs and as a share of the question.
# Tried on the tuned half of llm/evaluation.
EVIDENCE = 5.0
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
    """A text that an answer may rest on. `fit`: its share among all (choice.py), or of the question by words alone."""

    id: int
    title: str
    text: str
    guideline: str
    url: str
    reviewed: bool
    fit: float = 0.0


def version() -> str:
    """A hash that changes with the starter set, the synonyms and what decides: then all is stored and indexed anew."""
    files = [SYNONYMS, Path(__file__), Path(choice.__file__), choice.WEIGHTS, *sorted(ENTRIES.glob("*.toml"))]
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
    if not _RUN.search(canonical(question)):
        return []
    beside = compare(connection, question)
    scores = _by_words_alone(connection, question) if beside is None else _by_both(beside)
    best = sorted(scores, key=scores.__getitem__, reverse=True)[:most]
    return [_passage(connection, id_, scores[id_]) for id_ in best]


def compare(connection: sqlite3.Connection, question: str) -> choice.Compared | None:
    """The question beside all passages, in words and in meaning; None where there are no vectors."""
    vector = embedding.of_question(question)
    passages = connection.execute("SELECT id, vectors FROM passages WHERE vectors IS NOT NULL").fetchall()
    if vector is None or not passages:
        return None
    evidence = {id_: evidence for id_, (_, evidence) in _by_words(connection, question).items()}
    return choice.compared(vector, passages, evidence)


def fitting(none: float, shares: Sequence[float]) -> list[int]:
    """Places of what may be shown, best first, when these are the shares of all passages and of "none of them"."""
    best, *rest = sorted(range(len(shares)), key=shares.__getitem__, reverse=True)
    if shares[best] < NONE * none:
        return []
    return [best, *(place for place in rest if shares[place] >= SECOND)]


def _by_both(beside: choice.Compared) -> dict[int, float]:
    none, shares = choice.shipped().shares(beside)
    return {beside.ids[place]: float(shares[place]) for place in fitting(none, shares.tolist())}


def _by_words_alone(connection: sqlite3.Connection, question: str) -> dict[int, float]:
    words = _by_words(connection, question)
    shares = {id_: share for id_, (share, evidence) in words.items() if evidence >= EVIDENCE}
    floor = max(FITS, CLOSE * max(shares.values(), default=0.0))
    return {id_: share for id_, share in shares.items() if share >= floor}


def _by_words(connection: sqlite3.Connection, question: str) -> dict[int, tuple[float, float]]:
    """BM25's best candidates: the share of the question that each covers, and the evidence for it in rare pairs."""
    wanted = list(dict.fromkeys(pairs(_FILLERS.sub(" ", canonical(question)))))
    if not wanted:
        return {}
    rarity, whole = _rarity(connection, wanted)
    held = {id_: _evidence(rarity, indexed) for id_, *indexed in _candidates(connection, wanted)}
    return {id_: (evidence / whole, evidence) for id_, evidence in held.items()}


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
