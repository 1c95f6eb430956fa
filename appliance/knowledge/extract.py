"""A program of its own that reads the text (stdout, UTF-8) out of a PDF or Word file (stdin).

A few kilobytes may unpack to gigabytes or keep a parser busy for minutes, so a process with limits of its own does it,
and only text comes out. Its argument is the file's ending. Exit codes: UNREADABLE, TOO_LARGE.
"""

import io
import resource
import sys
import zipfile
from collections.abc import Iterator

import docx
import pypdf

MAX_CHARACTERS = 500_000
MOST_XML_BYTES = 30 * 1024 * 1024  # half a million characters with their markup; the parser takes 20 times as much
MEMORY_BYTES, CPU_S = 1024**3, 120
UNREADABLE, TOO_LARGE = 3, 4


class TooLong(Exception):
    """More than MAX_CHARACTERS, or than MOST_XML_BYTES."""


def extract(ending: str, content: bytes) -> tuple[str, int]:
    """The text and 0, or nothing and an exit code."""
    try:
        return _joined({".pdf": _pages, ".docx": _paragraphs}[ending](content)), 0
    except (TooLong, MemoryError):
        return "", TOO_LARGE
    except Exception:  # whatever a parser raises on broken data
        return "", UNREADABLE


def _joined(lines: Iterator[str]) -> str:
    """One below the other, read no further than the limit."""
    kept, length = [], 0
    for line in lines:
        kept.append(line)
        length += len(line) + 1
        if length > MAX_CHARACTERS + 1:
            raise TooLong()
    return "\n".join(kept)


def _pages(content: bytes) -> Iterator[str]:
    return (page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def _paragraphs(content: bytes) -> Iterator[str]:
    """The body's own paragraphs; headings as Markdown has them.

    By their elements: a Paragraph asks all latent styles anew which one is the default.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(part.file_size for part in archive.infolist() if _is_xml(part)) > MOST_XML_BYTES:
            raise TooLong()
    document = docx.Document(io.BytesIO(content))
    headings = {style.style_id for style in document.styles if (style.name or "").startswith("Heading")}
    for paragraph in document.element.body.p_lst:
        yield ("# " if paragraph.style in headings else "") + paragraph.text


def _is_xml(part: zipfile.ZipInfo) -> bool:
    return part.filename.lower().endswith((".xml", ".rels"))


def main() -> int:
    """Limits first, then the file."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    text, code = extract(sys.argv[1], sys.stdin.buffer.read())
    sys.stdout.buffer.write(text.encode(errors="replace"))  # a PDF may name half a character
    return code


if __name__ == "__main__":
    sys.exit(main())
