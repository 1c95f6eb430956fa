"""An endpoint outside the box, played on the loopback: speaks OpenAI's protocol over real HTTP, or misbehaves."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = "高血压平时要少吃盐，每天不超过5克，坚持量血压，不要自行停药，请及时到医院看医生。"


class Outside:
    """`mood`: "kind", "key" (401), "quota" (429), "slow", "broken" (ends in the middle). `heard` keeps the bodies."""

    def __init__(self) -> None:
        self.mood, self.heard, outside = "kind", list[dict](), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outside.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.heard.append(json.loads(handler.rfile.read(int(handler.headers["Content-Length"]))))
        status = {"key": 401, "quota": 429}.get(self.mood, 200)
        handler.send_response(status)
        handler.send_header("Content-Type", "text/event-stream" if status == 200 else "application/json")
        handler.end_headers()
        if status != 200:
            handler.wfile.write(b'{"error": {"message": "no", "type": "error", "code": "no"}}')
            return
        if self.mood == "slow":
            time.sleep(3)
        for piece in (ANSWER[:12], ANSWER[12:]):
            self._chunk(handler, {"content": piece}, None)
            if self.mood == "broken":
                return
        self._chunk(handler, {}, "stop")
        handler.wfile.write(b"data: [DONE]\n\n")

    @staticmethod
    def _chunk(handler: BaseHTTPRequestHandler, delta: dict, finish: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "far", "choices": [choice]}
        handler.wfile.write(f"data: {json.dumps(body)}\n\n".encode())
