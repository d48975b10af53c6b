"""A WebSocket's frames (RFC 6455) on a connection that has switched to them; no extensions, so
nothing is ever inflated."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, TextMessage

from perse.api.http.lines import CloseCode, LineClosed, Piece


class Switchable(Protocol):
    """The connection, as its line sees it."""

    transport: asyncio.Transport
    flow: FlowControl

    def switch(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Answer that from now on the line reads and writes."""
        ...

    def finish(self) -> None:
        """All is said; nothing is answered any more."""
        ...

    def linger(self) -> None:
        """Give the client a moment to say goodbye, too: what it says is the line's to read."""
        ...

    def part(self) -> None:
        """Send no more, and give the client a moment to go."""
        ...


# What a client had under way when it was told goodbye; more than that is not read for its own.
_LAST_BYTES = 1_000_000


class FramedLine:
    """Satisfies ``Line``. Bytes are read when a piece is asked for, and one read is all that waits
    to be taken apart: whoever sends faster fills the network's buffers and its own."""

    def __init__(self, connection: Switchable) -> None:
        self._connection: Switchable | None = connection
        self._frames = Connection(ConnectionType.SERVER)
        self._news = asyncio.Event()
        self._last_bytes = _LAST_BYTES
        self.closed_with: int | None = None

    # --- what the application asks ---

    async def piece(self) -> Piece:
        while True:
            connection = self._open()
            event = next(self._frames.events(), None)
            if event is None:
                connection.flow.resume_reading()
                await self._news.wait()
                self._news.clear()
            elif isinstance(event, CloseConnection):
                self._answer_close(event)
            else:
                return await self._piece_of(event)

    async def send(self, text: str) -> int:
        await self._drained()
        return self._write(Message(data=text))

    def close(self, code: int, reason: str = "", *, last_words: str | None = None) -> None:
        if self.closed_with is None and self._connection is not None:
            if last_words is not None:
                self._write(Message(data=last_words))
            self._hang_up(CloseConnection(code, reason), code).linger()
            self.hear_out(b"")

    # --- what the connection tells ---

    def taken_up(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """The application has accepted."""
        if self._connection is not None:
            self._connection.switch(headers)

    def laid_down(self) -> None:
        """The application has ended."""
        if self._connection is not None:
            self._connection.finish()

    def feed(self, data: bytes) -> None:
        """Bytes of the client have come, which were asked for."""
        self._frames.receive_data(data)
        self._open().flow.pause_reading()
        self._news.set()

    def hear_out(self, data: bytes) -> None:
        """What comes after our goodbye: the client's own is looked for (RFC 6455, 7.1.1), so that
        to both sides, and to a proxy between them, it ended as it should."""
        self._last_bytes -= len(data)
        if self._connection is None or self._frames.state is not ConnectionState.LOCAL_CLOSING:
            return
        self._frames.receive_data(data)
        for event in self._frames.events():
            if isinstance(event, CloseConnection):
                self._connection.part()
                return
        if self._last_bytes < 0:
            self._connection.part()

    def lost(self) -> None:
        """The connection has ended; what had come of a message is forgotten."""
        if self.closed_with is None:
            self.closed_with = CloseCode.LOST
        self._connection = None
        self._frames = Connection(ConnectionType.SERVER)
        self._news.set()

    # --- ours ---

    def _open(self) -> Switchable:
        if self.closed_with is not None or self._connection is None:
            raise LineClosed(self.closed_with or CloseCode.LOST)
        return self._connection

    async def _drained(self) -> None:
        """Wait while the client does not take what was sent; it may have ended meanwhile."""
        await self._open().flow.drain()
        self._open()

    async def _piece_of(self, event: Event) -> Piece:
        match event:
            case TextMessage():
                content = event.data.encode()
                return Piece(content, True, event.frame_finished, event.message_finished)
            case BytesMessage():
                content = bytes(event.data)
                return Piece(content, False, event.frame_finished, event.message_finished)
            case Ping():
                await self._drained()
                self._write(event.response())
        return Piece()

    def _answer_close(self, event: CloseConnection) -> None:
        """The client has said that it ends, or something that is no frame."""
        if self._frames.state is ConnectionState.REMOTE_CLOSING:
            self._hang_up(event.response(), event.code).part()
        else:
            self._hang_up(CloseConnection(event.code, event.reason), event.code).part()

    def _hang_up(self, event: CloseConnection, code: int) -> Switchable:
        connection = self._open()
        self._write(event)
        self.closed_with = int(code)
        self._news.set()
        return connection

    def _write(self, event: Event) -> int:
        data = self._frames.send(event)
        self._open().transport.write(data)
        return len(data)
