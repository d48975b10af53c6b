"""What uvicorn's HTTP protocol leaves open: slow or endless request heads, and its plain errors."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from perse.api.guarding import SAFE_HEADERS
from perse.api.problems import problem_response
from perse.errors import InvalidParameter

HEAD_TIMEOUT_S = 10.0
LARGEST_HEAD_BYTES = 64 * 1024


class GuardedHttp(HttpToolsProtocol):
    """A connection delivers each request's head within 10 s and 64 KiB, or is closed."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # uvicorn's own log would hold paths and addresses whenever somebody listens to it.
        self.access_log = False
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._head_arrived()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_timer and self._head_bytes > LARGEST_HEAD_BYTES:
            self.send_400_response("the head of the request is too large")

    def send_400_response(self, msg: str) -> None:
        """uvicorn's hook for what is no HTTP request, answered in our shape."""
        if self.transport.is_closing():
            return
        error = InvalidParameter(msg)
        self.transport.write(_on_the_wire(problem_response(error, headers=SAFE_HEADERS)))
        self.transport.close()

    def _await_head(self) -> None:
        self._head_arrived()
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _on_the_wire(response: Response) -> bytes:
    """A 400 answer as bytes, for a connection that has no exchange to answer through."""
    headers = [*response.raw_headers, (b"connection", b"close")]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return b"HTTP/1.1 400 Bad Request\r\n" + lines + b"\r\n" + bytes(response.body)
