"""One channel: fetched within bounds, and read into headlines. NetEase's JSON lists, and any RSS or Atom feed."""

import calendar
import hashlib
import html
import io
import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import feedparser
import httpx

from appliance.clock import utc_text

WITHIN_S = 20.0
MOST_BYTES = 2 * 1024 * 1024
MOST_ITEMS = 100
TITLE_CHARACTERS = 120
BEIJING = timezone(timedelta(hours=8))


class ChannelError(Exception):
    """Why a channel gave no headlines, as a Chinese sentence."""


@dataclass(frozen=True)
class Headline:
    """One news item. `published_at` is None where the channel does not say."""

    id: str
    title: str
    source: str
    picture_url: str | None
    url: str
    published_at: str | None


def fetch(address: str) -> list[Headline]:
    """Ask a channel; an empty list when it has nothing now. Raises ChannelError. Nothing of the box is sent along."""
    content, media_type = _download(address)
    if not content.strip():
        return []
    items = _netease(content, address) if content.lstrip()[:1] == b"{" else _feed(content, media_type, address)
    known: dict[str, Headline] = {}
    for item in items[:MOST_ITEMS]:
        known.setdefault(item.id, item)
    return list(known.values())


def _download(address: str) -> tuple[bytes, str]:
    until, parts, size = time.monotonic() + WITHIN_S, [], 0
    headers = {"User-Agent": "Mozilla/5.0 (compatible; Xiangyi)", "Accept": "*/*"}
    try:
        with (
            httpx.Client(timeout=8.0, follow_redirects=True, max_redirects=3, headers=headers) as client,
            client.stream("GET", address) as response,
        ):
            if response.status_code == 204:
                return b"", ""
            if response.status_code != 200:
                raise ChannelError(f"对方回答了错误 {response.status_code}。")
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > MOST_BYTES:
                    raise ChannelError("对方的内容过大，没有读取。")
                if time.monotonic() > until:
                    raise ChannelError("对方太慢，没有等完。")
            return b"".join(parts), response.headers.get("content-type", "")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ChannelError("连接不上对方，可能没有接入互联网。") from error


def _netease(content: bytes, address: str) -> list[Headline]:
    """An object whose first array holds the items, whatever its key is."""
    try:
        body = json.loads(content)
    except ValueError as error:
        raise ChannelError("对方的内容不完整。") from error
    lists = [value for value in body.values() if isinstance(value, list)]
    if not lists:
        raise ChannelError("对方的内容里没有新闻列表。")
    made = (_of_netease(item, address) for item in lists[0] if isinstance(item, dict))
    return [item for item in made if item is not None]


def _of_netease(item: dict[str, Any], address: str) -> Headline | None:
    if item.get("ads") or (item.get("skipType") and not item.get("url")):
        return None
    number = str(item.get("docid") or "")
    own = f"https://c.m.163.com/news/a/{number}.html" if number.isalnum() else ""
    try:
        published = datetime.strptime(str(item.get("ptime")), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError:
        published = None
    return _headline(address, number, item.get("title"), item.get("source"), item.get("url") or own, published, item)


def _feed(content: bytes, media_type: str, address: str) -> list[Headline]:
    # Given as a file: a string could be taken for an address.
    parsed = feedparser.parse(io.BytesIO(content), response_headers={"content-type": media_type})
    if not parsed.version:
        raise ChannelError("对方的内容不是新闻列表。")
    made = (_of_entry(entry, parsed.feed.get("title", ""), address) for entry in parsed.entries)
    return [item for item in made if item is not None]


def _of_entry(entry: Any, feed: str, address: str) -> Headline | None:
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    published = datetime.fromtimestamp(calendar.timegm(moment), UTC) if moment else None
    pictures = [*entry.get("media_thumbnail", ()), *entry.get("media_content", ())]
    picture = {"imgsrc": next((each.get("url") for each in pictures if each.get("url")), None)}
    source = entry.get("source", {}).get("title") or feed
    return _headline(address, entry.get("id", ""), entry.get("title"), source, entry.get("link"), published, picture)


def _headline(
    address: str, number: str, title: Any, source: Any, url: Any, published: datetime | None, more: dict[str, Any]
) -> Headline | None:
    """None for what has no title or leads nowhere on the web."""
    title, link = _plain(title)[:TITLE_CHARACTERS], _web_address(url)
    if not title or link is None:
        return None
    name = hashlib.sha256(f"{address}\n{number or link}".encode()).hexdigest()[:24]
    now = datetime.now(UTC)
    moment = utc_text(min(published, now)) if published else None
    return Headline(name, title, _plain(source)[:40], _web_address(more.get("imgsrc")), link, moment)


def _plain(text: Any) -> str:
    """Text without markup and control characters."""
    bare = html.unescape(re.sub(r"<[^>]*>", "", text if isinstance(text, str) else ""))
    return " ".join("".join(c if c.isprintable() else " " for c in bare).split())


def _web_address(url: Any) -> str | None:
    """`url` when it leads to the web: no script, no file, nothing overlong."""
    if not isinstance(url, str) or len(url) > 1000 or not url.strip().isprintable():
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme in ("http", "https") and parts.hostname else None
