"""WeChat's exchange of codes, played on the loopback over real HTTP: speaks `jscode2session`, or misbehaves."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

APPID, SECRET = "wx0123456789abcdef", "never-to-be-logged"


class Wechat:
    """A code `code-NAME` is good once and belongs to the user NAME.

    `mood`: "kind", "slow", "broken" (no JSON), "busy" (errcode -1), "secret" (its answer to a wrong secret).
    """

    def __init__(self) -> None:
        self.mood, self._used, wechat = "kind", set[str](), self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wechat.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/sns/jscode2session"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        address = urlsplit(handler.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        if self.mood == "slow":
            time.sleep(2)
        body = b"<html>" if self.mood == "broken" else json.dumps(self._body(address.path, asked)).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain")  # as WeChat says of its JSON
        handler.end_headers()
        handler.wfile.write(body)

    def _body(self, path: str, asked: dict[str, str]) -> dict:
        code = asked.get("js_code", "")
        if self.mood == "busy":
            return {"errcode": -1, "errmsg": "system error"}
        if self.mood == "secret" or asked.get("secret") != SECRET:
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        if path != "/sns/jscode2session" or asked.get("grant_type") != "authorization_code":
            return {"errcode": 40002, "errmsg": "invalid grant_type"}
        if asked.get("appid") != APPID:
            return {"errcode": 40013, "errmsg": "invalid appid"}
        if code in self._used:
            return {"errcode": 40163, "errmsg": "code been used"}
        if not code.startswith("code-"):
            return {"errcode": 40029, "errmsg": "invalid code"}
        self._used.add(code)
        return {"session_key": "a-key", "openid": f"openid-of-{code.split('-')[1]}"}
