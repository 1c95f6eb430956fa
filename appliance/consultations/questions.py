"""Find questions by the words in them: by the index of their pairs of characters, then by the text itself."""

from dataclasses import dataclass

from appliance.lists import Where


@dataclass(frozen=True)
class Wanted:
    """What someone typed: each of its words, parted by blanks, must stand in the question. Punctuation by itself asks
    for nothing: no index holds it, and all rows would have to be read."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, typed: str) -> "Wanted":
        return cls(tuple(word for word in typed.split() if any(map(str.isalnum, word))))

    @property
    def indexed(self) -> str | None:
        """As the index is asked (FTS5); None when nothing is asked for."""
        return f"question : ({' AND '.join(map(_phrase, self.words))})" if self.words else None

    def indexed_of(self, account_id: str) -> str | None:
        """The same among one account's questions: the index steps over everyone else's."""
        return self.indexed and f'account : "{account_id}" AND {self.indexed}'

    def narrow(self, where: Where, column: str) -> None:
        """Not LIKE: where no row matches, all are read, and this compares bytes."""
        for word in self.words:
            where.add(f"instr(lower({column}), lower(?))", word)


def _phrase(word: str) -> str:
    """A word's pairs, one behind the other; a single character begins a pair, or stands alone at the end."""
    pairs = [word[at : at + 2] for at in range(len(word) - 1)] or [word]
    return f'"{" ".join(pairs).replace(chr(34), " ")}"{"*" if len(word) == 1 else ""}'
