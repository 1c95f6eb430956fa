"""A server outside the box, played on the loopback over real HTTP."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Played:
    """Serves until `close`; a child says in `answer` what a request gets, which depends on its `mood`."""

    def __init__(self, mood: str):
        self.mood, played = mood, self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                played.answer(self)

            def do_POST(self) -> None:
                played.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        raise NotImplementedError
