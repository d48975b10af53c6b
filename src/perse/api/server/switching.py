"""A connection that may become a line: its first request is HTTP like any other, is admitted,
refused and counted like any other, and is answered with 101."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perse.api.http.lines import LINE, CloseCode
from perse.api.server.connections import GuardedHttp, Phase
from perse.api.server.frames import FramedLine

_SWITCHING = 101


@dataclass(frozen=True, slots=True)
class AnswerUpgrades:
    """ASGI middleware, around everything: answers of requests that have a line go to it from 101
    on. uvicorn knows no such answer."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = scope.get("extensions", {}).get(LINE)
        if line is None:
            await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, _Answer(line, send).send)


@dataclass(slots=True)
class _Answer:
    line: FramedLine
    http: Send
    taken_up: bool = False

    async def send(self, message: Message) -> None:
        if message.get("status") == _SWITCHING:
            self.taken_up = True
            self.line.taken_up(message["headers"])
        elif self.taken_up:
            self.line.laid_down()
        else:
            await self.http(message)


class SwitchingHttp(GuardedHttp):
    """Lends its line to a request that asks for a WebSocket. Places, peers and answers that nobody
    takes are counted and ended as those of every connection; how long a conversation may last and
    be silent is for the application to say."""

    def __init__(self, *args: Any, **named: Any) -> None:  # noqa: ANN401 - as the other's
        super().__init__(*args, **named)
        self._line: FramedLine | None = None

    # --- what the event loop and the server tell ---

    def data_received(self, data: bytes) -> None:
        if self._phase is Phase.TALK and self._line is not None:
            self._line.feed(data)
        elif self._phase is Phase.FAREWELL and self._line is not None:
            self._line.hear_out(data)
        else:
            super().data_received(data)

    def handle_events(self) -> None:
        previous = self.cycle
        super().handle_events()
        if self.cycle is not previous:
            self._lose_line()
            if self._get_upgrade() == b"websocket" and not self._crowd.winding_up:
                self._line = FramedLine(self)
                self.cycle.scope["extensions"] = {LINE: self._line}  # type: ignore[dict-item]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lose_line()

    def shutdown(self) -> None:
        if self._phase is Phase.TALK and self._line is not None:
            self._line.close(CloseCode.GOING_AWAY, "the server ends")
        else:
            super().shutdown()

    def _should_upgrade(self) -> bool:
        """uvicorn's hook, for protocols of its own."""
        return False

    # --- what the line asks ---

    def switch(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Answer that from now on the line reads and writes."""
        if self.transport.is_closing() or self._line is None:
            return
        answer = h11.InformationalResponse(
            status_code=_SWITCHING,
            headers=[*self.server_state.default_headers, *headers],
            reason=b"Switching Protocols",
        )
        self.transport.write(self.conn.send(answer) or b"")
        self.cycle.response_started = True
        self._begin(Phase.TALK)
        early, _ = self.conn.trailing_data
        if early:
            self._line.feed(early)

    def finish(self) -> None:
        """The conversation has ended, and what it answered."""
        self.cycle.response_complete = True

    def linger(self) -> None:
        """Give the client a moment to say goodbye, too."""
        if not self.transport.is_closing():
            self._take_leave()

    def part(self) -> None:
        """Send no more, and give the client a moment to go."""
        if not self.transport.is_closing():
            self._part()

    # --- ours ---

    def _lose_line(self) -> None:
        if self._line is not None:
            self._line.lost()
            self._line = None
