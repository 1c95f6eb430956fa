"""What people type, before it is kept."""

import unicodedata

# Marks that turn the direction of what follows: a name or comment with one could disguise the text after it.
_DIRECTION = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)}


def tidy(text: str) -> str:
    """Without control characters (line breaks and tabs stay), direction marks, and blanks around it."""
    kept = (c for c in text.replace("\r\n", "\n").replace("\r", "\n") if c in "\n\t" or _is_plain(c))
    return "".join(kept).strip()


def one_line(text: str) -> str:
    """`tidy`, and all on one line."""
    return " ".join(tidy(text).split())


def _is_plain(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs") and character not in _DIRECTION


def like(wanted: str) -> str:
    """A pattern for SQL's `LIKE … ESCAPE '!'` that finds the text anywhere."""
    for special in "!%_":
        wanted = wanted.replace(special, f"!{special}")
    return f"%{wanted}%"
