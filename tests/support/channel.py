"""A news site outside the box, in each of its moods."""

import json
import time
from http.server import BaseHTTPRequestHandler

from support.played import Played


def item(number: int, **more: object) -> dict:
    return {
        "docid": f"K{number:05}",
        "title": f"第 {number} 条健康新闻",
        "digest": "不该留下的摘要",
        "source": "健康报",
        "ptime": f"2026-01-{number:02} 08:00:00",
        "imgsrc": "http://pictures.example/a.jpg",
        "url": f"https://news.example/{number}.html",
        **more,
    }


FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>卫生频道</title>
<item><title>秋冬 &lt;b&gt;流感&lt;/b&gt; 疫苗</title><link>https://feed.example/1</link><guid>1</guid>
<pubDate>Mon, 05 Jan 2026 01:00:00 GMT</pubDate></item>
<item><title>坏链接</title><link>javascript:alert(1)</link><guid>2</guid></item></channel></rss>"""
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>疾控</title><id>x</id>
<entry><title>勤洗手</title><id>a1</id><link href="https://atom.example/1"/><updated>2026-01-06T01:00:00Z</updated></entry></feed>"""
BODIES = {
    "normal": json.dumps({"T1414389941036": [item(1), item(2), item(3)]}),
    "photoset": json.dumps(
        {"T1": [item(1, skipType="photoset"), item(2, skipType="photoset", url=""), item(3, ads=[{"x": 1}]), item(4)]}
    ),
    "empty": json.dumps({"T1414389941036": []}),
    "wrong key": json.dumps({"code": 1, "whatever": [item(5, url="")]}),
    "hostile": json.dumps(
        {
            "T1": [
                item(6, title="<script>alert(1)</script>流感\u0000来了", url="javascript:alert(1)"),
                item(7, title="<img src=x onerror=alert(1)>好消息", imgsrc="file:///etc/passwd"),
                item(8, title=None),
                item(9, ptime="2999-01-01 00:00:00"),
                "no item",
            ]
        }
    ),
    "no list": json.dumps({"error": "gone"}),
    "half": json.dumps({"T1": [item(1)]})[:-20],
    "html": "<!doctype html><html><body><h1>502</h1></body></html>",
    "rss": FEED,
    "atom": ATOM,
}


class Channel(Played):
    """`mood` is a key of BODIES, or "204", "error", "slow", "huge". `heard` keeps what requests said."""

    def __init__(self) -> None:
        self.heard = list[str]()
        super().__init__("normal")

    @property
    def url(self) -> str:
        return f"{self.root}/nc/article/list/T1414389941036/0-20.html"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.heard.append(f"{handler.requestline}\n{handler.headers}")
        handler.send_response({"204": 204, "error": 500}.get(self.mood, 200))
        handler.send_header("Content-Type", "text/html; charset=utf-8")  # as NetEase says of its JSON
        handler.end_headers()
        try:
            if self.mood == "slow":
                for _ in range(100):
                    handler.wfile.write(b" ")
                    time.sleep(0.05)
            elif self.mood == "huge":
                for _ in range(100):
                    handler.wfile.write(b"{" + b" " * 100_000)
            elif self.mood not in ("204", "error"):
                handler.wfile.write(BODIES[self.mood].encode())
        except OSError:
            pass  # the box hung up, as it should
