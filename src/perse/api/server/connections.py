"""One connection: uvicorn's protocol over h11, read strictly and with limited patience."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.trsock import TransportSocket
from enum import Enum
from math import inf
from typing import Any

import h11
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.server import ServerState

from perse.api.http.boundary import SAFE_HEADERS
from perse.api.http.problems import problem_response
from perse.api.server.crowd import Crowd, Place, Reason
from perse.api.server.framing import ANSWER_BEGINS, StrictConnection
from perse.api.telemetry.health import asks_for_health
from perse.errors import InvalidParameter, Overloaded, PerseError

# The nine bytes that every answer begins with last for half a minute.
_ASK_AGAIN_S = 0.25
_WITH_BODIES = frozenset({"POST", "PUT"})


class Phase(Enum):
    """What a connection is at."""

    HEAD = "the client sends the head of a request, or has just come"
    EXCHANGE = "a request is being read or answered"
    IDLE = "everything was answered"
    TALK = "messages go both ways, and it is HTTP no more"
    FAREWELL = "the client was refused and may hear why"


class GuardedHttp(H11Protocol):
    """Reads no further than one request ahead, and ends whoever keeps it waiting.

    A client that is still sending hears why it is refused: our side is closed first, and what
    still comes is thrown away for a while.
    """

    conn: StrictConnection

    def __init__(
        self,
        crowd: Crowd,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = StrictConnection()
        # uvicorn's own log would hold paths and addresses whenever somebody listens to it.
        self.access_log = False
        self._crowd = crowd
        self._bytes_in = 0
        self._unsent_bytes = 0
        self._asked_at: float | None = None
        self._begin(Phase.HEAD)
        self._taken_at = self._since

    # --- what the crowd asks ---

    @property
    def peer(self) -> str | None:
        return self.client[0] if self.client else None

    @property
    def waiting_since(self) -> float | None:
        at_work = self._phase in (Phase.EXCHANGE, Phase.TALK)
        busy = at_work or self.transport.get_write_buffer_size()
        return None if busy else self._since

    def end(self) -> None:
        self.transport.abort()

    def check(self, now: float) -> None:
        if self._phase is Phase.FAREWELL:
            if now - self._since > self._crowd.patience.farewell_s:
                self.transport.abort()
            return
        if self._asked_at is not None:
            if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.transport.abort()
                return
            self._ask_again(now - self._asked_at)
        reason = self._overdue(now)
        match reason:
            case Reason.SLOW_BODY:
                self._refuse(InvalidParameter("the body of the request arrives too slowly"), reason)
            case Reason.UNREAD | Reason.TOO_LONG:
                self._crowd.lost_patience(reason)
                self.transport.abort()
            case Reason.SLOW_HEAD | Reason.IDLE:
                self._crowd.lost_patience(reason)
                self._close()

    def answer_last(self) -> None:
        """Let the answer under way, unless it has begun, say that the connection ends behind it.

        A client that sends its next request before it sees the end would lose that request.
        """
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False
            # Where uvicorn looks; Starlette has put a list of its own there.
            self.cycle.scope["headers"] = [*self.cycle.scope["headers"], CLOSE_HEADER]

    # --- what the event loop tells ---

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        place = self._crowd.admit(self)
        if place is Place.SPARE:
            self.app = self._tell_health
        elif place is Place.NONE:
            transport.write(_on_the_wire(_nowhere()))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._phase is not Phase.FAREWELL:
            self._bytes_in += len(data)
            super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that will send no more may have left, or still wait for its answer.

        So that no worker works for those who gave up, whoever sent a whole form gets the first word
        of its answer byte by byte: a machine whose program has left answers with a reset. asyncio
        reads no more after an end, so that ``check`` looks for it.
        """
        whole = self.conn.their_state in (h11.DONE, h11.MUST_CLOSE)
        if self._phase is not Phase.EXCHANGE or not whole:
            return False
        self.cycle.keep_alive = False
        if self.cycle.scope["method"] in _WITH_BODIES and not self.cycle.response_started:
            self.cycle.waiting_for_100_continue = False  # everything is here
            self.transport.write(self.conn.begin_answer())
            self._asked_at = self.loop.time()
        return True

    def resume_writing(self) -> None:
        self._taken_at = self.loop.time()
        super().resume_writing()

    # --- what uvicorn does ---

    def handle_events(self) -> None:
        previous = self.cycle
        super().handle_events()
        if self._phase is Phase.FAREWELL:
            return
        if self.cycle is not previous:
            self._begin(Phase.EXCHANGE)
            if self._crowd.winding_up:
                self.answer_last()
        elif self.conn.head_begun and self._phase is Phase.IDLE:
            self._begin(Phase.HEAD)

    def on_response_complete(self) -> None:
        self._begin(Phase.IDLE)
        if self.conn.their_state is h11.SEND_BODY:
            self.transport.close()  # the rest of the body was waited for long enough
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words are not ours
        """uvicorn's hook for what is no HTTP request; called while h11's error is handled."""
        complaint, _, _ = str(sys.exception()).partition(":")
        self._refuse(
            InvalidParameter(f"this is no HTTP request as it should be: {complaint}"),
            Reason.MALFORMED,
        )

    def shutdown(self) -> None:
        if self._phase is Phase.FAREWELL:
            self.transport.abort()
        else:
            super().shutdown()

    # --- ours ---

    def _ask_again(self, lasted_s: float) -> None:
        """There are few bytes to ask with, so each is kept for twice as long as the last."""
        due = lasted_s >= _ASK_AGAIN_S * 2 ** (self.conn.begun_bytes - 1)
        if due and not self.cycle.response_started:
            self.transport.write(self.conn.begin_answer())

    @property
    def _socket(self) -> TransportSocket:
        found: TransportSocket = self.transport.get_extra_info("socket")
        return found

    def _begin(self, phase: Phase) -> None:
        self._phase = phase
        self._since = self.loop.time()
        self._bytes_in = 0

    def _overdue(self, now: float) -> Reason | None:
        patience = self._crowd.patience
        if self._untaken_s(now) > patience.unread_s:
            return Reason.UNREAD
        lasted_s = now - self._since
        allowed_s, reason = {
            Phase.HEAD: (patience.head_s, Reason.SLOW_HEAD),
            Phase.EXCHANGE: (patience.exchange_s, Reason.TOO_LONG),
            Phase.IDLE: (patience.idle_s, Reason.IDLE),
            Phase.TALK: (inf, Reason.TOO_LONG),
        }[self._phase]
        if lasted_s > allowed_s:
            return reason
        return Reason.SLOW_BODY if self._body_is_slow(lasted_s) else None

    def _untaken_s(self, now: float) -> float:
        """For how long the client has taken nothing of what lies ready for it."""
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes == 0 or unsent_bytes < self._unsent_bytes:
            self._taken_at = now
        if unsent_bytes and self._phase is Phase.IDLE:
            self._since = now  # idle is who has taken the whole answer
        self._unsent_bytes = unsent_bytes
        return now - self._taken_at

    def _body_is_slow(self, lasted_s: float) -> bool:
        """True unless it is us who keep the client from sending."""
        if self._phase is not Phase.EXCHANGE or self.conn.their_state is not h11.SEND_BODY:
            return False
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            return False
        patience = self._crowd.patience
        least_bytes = lasted_s * patience.body_bytes_per_s
        return lasted_s > patience.body_grace_s and self._bytes_in < least_bytes

    def _close(self) -> None:
        if self.transport.is_closing():
            self.transport.abort()
        else:
            self.transport.close()

    def _refuse(self, error: PerseError, reason: Reason) -> None:
        """Answer, unless an answer has begun; then wait for the client to go."""
        if self.transport.is_closing():
            return
        self._crowd.refused(reason)
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete
        if not (answering and cycle.response_started):
            self.transport.write(self.conn.rest_of(_on_the_wire(error)))
        if answering:
            cycle.disconnected = True
            cycle.message_event.set()
        self._part()

    def _part(self) -> None:
        """Send no more, and give the client a moment to go."""
        if self._phase is not Phase.FAREWELL:
            self._take_leave()
        try:
            self.transport.write_eof()
        except OSError:  # it has gone
            self.transport.abort()

    def _take_leave(self) -> None:
        """All was said; the client has a moment left, from now on."""
        self._begin(Phase.FAREWELL)
        self._unset_keepalive_if_required()
        self.flow.resume_reading()

    async def _tell_health(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application of a spare connection."""
        if asks_for_health(scope):
            await self.config.loaded_app(scope, receive, send)
        else:
            self._refuse(_nowhere(), Reason.FULL)


def _nowhere() -> Overloaded:
    return Overloaded("too many connections are open: close some, or try again in a moment")


def _on_the_wire(error: PerseError) -> bytes:
    """An answer as bytes, for a connection that has no exchange to answer through."""
    response: Response = problem_response(error, headers={**SAFE_HEADERS, "Connection": "close"})
    status = response.status_code
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
    start = ANSWER_BEGINS + b"%d %s\r\n" % (status, STATUS_PHRASES[status])
    return start + lines + b"\r\n" + bytes(response.body)
