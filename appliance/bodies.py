"""Read what a refused request still sends, so that the refusal reaches its sender.

A server that answers and closes while an upload is still coming in resets the connection, and most clients then
show "connection reset" in place of "the picture is over 200 MB".
"""

import anyio
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

MOST_BYTES = 1024**3
MOST_S = 60.0


class UnreadBodyMiddleware:
    """Before a response starts, take in the rest of the request's body, within bounds."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        unread = True

        async def counted_receive() -> ReceiveMessage:
            nonlocal unread
            message = await receive()
            unread = message["type"] == "http.request" and message["more_body"]
            return message

        async def patient_send(message: Message) -> None:
            if message["type"] == "http.response.start" and unread:
                await drain()
            await send(message)

        async def drain() -> None:
            size = 0
            with anyio.move_on_after(MOST_S):
                while unread and size < MOST_BYTES:
                    message = await counted_receive()
                    size += len(message["body"]) if message["type"] == "http.request" else 0

        await self._app(scope, counted_receive, patient_send)
