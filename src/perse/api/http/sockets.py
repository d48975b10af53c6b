"""Paths where clients talk with the server, declared once as operations are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from perse.api.admission.access import STRANGERS
from perse.api.admission.seats import Seats
from perse.api.http.calls import Call, Workplace
from perse.api.http.conversation import Conversation, MessageRefused, SocketLimits
from perse.api.http.handshake import Handshake, read_handshake, refuse_origin
from perse.api.http.lines import CloseCode, Line, LineClosed, line_of
from perse.api.http.problems import status_of
from perse.api.telemetry.exchange import exchange_of
from perse.errors import PerseError

Talk = Callable[[Conversation], Awaitable[None]]

_SWITCHING = 101
_FAULT = 500


@dataclass(frozen=True, slots=True)
class Welcome:
    """What becomes of a client that may talk: whose turns the conversation takes (a tenant's), and
    who talks to it. The conversation ends when ``talk`` does."""

    party: str
    talk: Talk


@dataclass(frozen=True, slots=True)
class SocketOperation:
    """``admit`` gets the request and the token that came with it ("" where none did), and raises
    the ``errors``, which are answered as those of other operations: it decides before anything is
    taken up. ``subprotocol``: the name and version of what is spoken, which clients must offer.

    ``path`` has no trailing slash and is served with one too.
    """

    path: str
    subprotocol: str
    admit: Callable[[Call, str], Awaitable[Welcome]]
    summary: str
    description: str
    limits: SocketLimits = field(default_factory=SocketLimits)
    errors: tuple[type[PerseError], ...] = ()


@dataclass(frozen=True, slots=True)
class SocketEndpoint:
    """Lets in who may talk, and sees to it that every conversation ends with a reason."""

    operation: SocketOperation
    workplace: Workplace
    origins: tuple[str, ...]
    seats: Seats
    log: Any = field(default_factory=lambda: structlog.get_logger("perse"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        handshake = read_handshake(request, self.operation.subprotocol)
        refuse_origin(request.headers, self.origins)
        line = line_of(scope)
        self.seats.refuse_when_full()
        welcome = await self._admit(request, handshake.token)
        with self.seats.taken_for(welcome.party):
            await self._talk(welcome, request, line, send, handshake)

    async def _admit(self, request: Request, token: str) -> Welcome:
        with self.workplace.bodies.holding(STRANGERS) as body:
            call = Call(self.workplace, request, (), None, None, None, body)
            return await self.operation.admit(call, token)

    async def _talk(
        self, welcome: Welcome, request: Request, line: Line, send: Send, handshake: Handshake
    ) -> None:
        headers = handshake.answer()
        await send({"type": "http.response.start", "status": _SWITCHING, "headers": headers})
        limits, exchange = self.operation.limits, exchange_of(request.scope)
        try:
            with self.workplace.bodies.holding(welcome.party) as held:
                conversation = Conversation(
                    self.workplace, request, welcome.party, limits, line, held
                )
                await self._until_it_ends(welcome.talk, conversation)
        finally:
            line.close(CloseCode.GOING_AWAY)
            exchange.close_code = int(line.closed_with or CloseCode.LOST)
            self.workplace.metrics.conversation_ended(exchange.close_code)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_it_ends(self, talk: Talk, conversation: Conversation) -> None:
        try:
            await self._in_time(talk, conversation)
            conversation.close()
        except LineClosed:
            return
        except Exception as error:
            self._fail(conversation, error)

    async def _in_time(self, talk: Talk, conversation: Conversation) -> None:
        longest_s = self.operation.limits.longest_s
        try:
            async with asyncio.timeout(longest_s) as time:
                await talk(conversation)
        except TimeoutError:
            if not time.expired():
                raise
            message = f"a conversation may last {longest_s:g} seconds"
            raise MessageRefused(message, CloseCode.POLICY) from None

    def _fail(self, conversation: Conversation, error: Exception) -> None:
        if isinstance(error, PerseError) and status_of(type(error)) != _FAULT:
            conversation.fail(error)
            return
        request_id = exchange_of(conversation.request.scope).request_id
        self.log.error("fault", request_id=request_id, exc_info=error)
        conversation.fail(None)


def socket_endpoints(
    operations: Iterable[SocketOperation], workplace: Workplace, origins: Sequence[str]
) -> dict[str, dict[str, ASGIApp]]:
    """Path -> method -> endpoint."""
    everybody = list[Seats]()
    endpoints: dict[str, dict[str, ASGIApp]] = {}
    for operation in operations:
        limits, refused = operation.limits, partial(workplace.metrics.refuse, "conversations")
        seats = Seats(limits.in_all, limits.per_party, refused=refused)
        everybody.append(seats)
        endpoints[operation.path] = {
            "GET": SocketEndpoint(operation, workplace, tuple(origins), seats)
        }
    workplace.metrics.watch(
        "perse_conversations",
        "Conversations over WebSockets that are open.",
        lambda: float(sum(seats.taken for seats in everybody)),
    )
    return endpoints
