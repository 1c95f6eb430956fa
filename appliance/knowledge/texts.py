"""From a file to passages: Markdown, text, PDF or Word, cut where sentences end."""

import re
import signal
import subprocess
import sys
from pathlib import Path

from appliance.errors import Invalid, TooLarge
from appliance.knowledge import extract

MAX_BYTES = 20 * 1024 * 1024
TIMEOUT_S = 2 * extract.CPU_S
# A passage is read anew for each question, at some 60 tokens a second: it must be short.
PASSAGE_CHARACTERS = 180
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;]?")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.+?)\s*#*$")
_MARKUP = re.compile(r"!\[[^\]]*\]\([^)]*\)|\[([^\]]*)\]\([^)]*\)|[*_`>|]+")


def passages_of(name: str, content: bytes) -> list[tuple[str, str]]:
    """(heading, text) of each passage of a file; the heading is "" before the first one. Raises Invalid, TooLarge."""
    if len(content) > MAX_BYTES:
        raise TooLarge("文档超过 20 MB。", "document_too_large", maxBytes=MAX_BYTES)
    text = _text(name, content)
    if len(text) > extract.MAX_CHARACTERS:
        raise _too_large()
    found = [(heading, passage) for heading, part in _sections(text) for passage in _cut(part)]
    if not found:
        raise Invalid("文档里没有可用的文字；扫描件请先做文字识别。", "document_empty")
    return found


def _text(name: str, content: bytes) -> str:
    match ending := Path(name).suffix.lower():
        case ".md" | ".markdown" | ".txt":
            return _decoded(content)
        case ".pdf" | ".docx":
            return _extracted(ending, content)
    raise Invalid("只支持 Markdown、TXT、PDF 和 DOCX 文档。", "document_type_unsupported")


def _decoded(content: bytes) -> str:
    """Text files here are UTF-8, or GB 18030 from older Windows machines."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return content.decode("gb18030")
        except UnicodeDecodeError as error:
            raise _unreadable() from error


def _extracted(ending: str, content: bytes) -> str:
    command = [sys.executable, "-m", extract.__name__, ending]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise _too_large() from error
    if done.returncode in (extract.TOO_LARGE, -signal.SIGXCPU):
        raise _too_large()
    if done.returncode:
        raise _unreadable()
    return done.stdout.decode()


def _too_large() -> TooLarge:
    message = "文档超过 50 万字或过于复杂，请拆分后再导入。"
    return TooLarge(message, "document_too_large", maxCharacters=extract.MAX_CHARACTERS)


def _unreadable() -> Invalid:
    return Invalid("文档读不出来：文件损坏、有密码，或格式与扩展名不符。", "document_unreadable")


def _sections(text: str) -> list[tuple[str, str]]:
    sections: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            sections.append((heading[1], []))
        else:
            sections[-1][1].append(_MARKUP.sub(lambda found: found[1] or "", line).strip())
    return [(heading, "\n".join(lines)) for heading, lines in sections]


def _cut(text: str) -> list[str]:
    """Whole sentences together, up to PASSAGE_CHARACTERS; a longer sentence stands alone, cut if it must be."""
    passages, current = [], ""
    for sentence in (found.strip() for found in _SENTENCE.findall(text)):
        if current and len(current) + len(sentence) > PASSAGE_CHARACTERS:
            passages.append(current)
            current = ""
        current += sentence
        while len(current) > 2 * PASSAGE_CHARACTERS:
            passages.append(current[:PASSAGE_CHARACTERS])
            current = current[PASSAGE_CHARACTERS:]
    return [passage for passage in [*passages, current] if len(passage) >= 8]
