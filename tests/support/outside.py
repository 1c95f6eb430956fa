"""An endpoint outside the box, which speaks OpenAI's protocol, or misbehaves."""

import json
import time
from http.server import BaseHTTPRequestHandler

from support.played import Played

ANSWER = "高血压平时要少吃盐，每天不超过5克，坚持量血压，不要自行停药，请及时到医院看医生。"


class Outside(Played):
    """`mood`: "kind", "key" (401), "quota" (429), "slow", "broken" (ends in the middle). `heard` keeps the bodies."""

    def __init__(self) -> None:
        self.heard = list[dict]()
        super().__init__("kind")

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

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
