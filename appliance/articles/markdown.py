"""Markdown to HTML that is safe to show: raw HTML is text, then what was made is sanitised all the same."""

import html
import re
import unicodedata
from collections.abc import MutableMapping
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token

PICTURES = "/api/v1/pictures/"
EXCERPT_CHARACTERS = 120
_DEEPEST_HEADING = 6
_TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code"),
    *("ul", "ol", "li", "strong", "em", "s", "a", "img"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}


def render(text: str) -> str:
    """The HTML of a body. Headings begin at h2; links are http(s) or within the box; pictures are the box's own."""
    made = _markdown.render(text)
    return nh3.clean(
        made,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_filter,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"img": {"loading": "lazy"}},
    )


def excerpt(text: str) -> str:
    """The first words of a body, without its marks."""
    plain = html.unescape(nh3.clean(_markdown.render(text), tags=set()))
    words = " ".join(plain.split())
    return words if len(words) <= EXCERPT_CHARACTERS else words[: EXCERPT_CHARACTERS - 1] + "…"


def _filter(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src":
        return value if re.fullmatch(PICTURES + "[0-9a-f]{64}", value) else None
    if attribute == "href":
        return value if re.match(r"https?://|/(?![/\\])", value, re.IGNORECASE) else None
    return value


class _Inline(StateInline):
    """CommonMark asks for a blank after `**注意：**`; Chinese has none, so a run beside a Chinese character counts."""

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803
        scanned = super().scanDelims(start, canSplitWord)
        if not canSplitWord:
            return scanned
        before = self.src[start - 1] if start else " "
        end = start + scanned.length
        after = self.src[end] if end < self.posMax else " "
        can_open = scanned.can_open or (_is_chinese(before) and not after.isspace())
        can_close = scanned.can_close or (_is_chinese(after) and not before.isspace())
        return Scanned(can_open, can_close, scanned.length)


class _InlineParser(ParserInline):
    """The library's own parser over our state."""

    def parse(self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]) -> list[Token]:
        state = _Inline(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _is_chinese(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F") or character in "“”‘’…—"


def _lower_headings(state: StateCore) -> None:
    """The page's own title is its h1."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(_DEEPEST_HEADING, int(token.tag[1]) + 1)}"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.inline = _InlineParser()
    parser.enable(["table", "strikethrough"])
    parser.core.ruler.push("lower_headings", _lower_headings)
    return parser


_markdown = _parser()
