"""Turns on the event loop itself: what would keep it busy is done a little at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from perse.api.admission.restraint import BYTE_S, REFUSAL_S, REQUEST_S, Restraint
from perse.api.admission.turns import Piece, Room, Turns
from perse.api.telemetry.exchange import exchange_of
from perse.api.telemetry.health import asks_for_health

_ENDLESS = 1_000_000
_REFUSED_FROM = 400
_MOST_DIGITS = 12


@dataclass(slots=True, eq=False)
class _Passing(Piece):
    may: asyncio.Event = field(default_factory=asyncio.Event)


class Turnstile:
    """Lets one request, piece of a body or piece of an answer through in each round of the event
    loop, the tenants in turn: however many one of them sends at once, those of another wait for
    one of them, and for what their connections cost. Where nobody has passed in this round, nobody
    waits; and none is counted for a request that is alone, because each round of the loop costs
    more than most pieces do."""

    def __init__(self) -> None:
        self._under_way = 0
        self._turns: Turns[_Passing] = Turns(Room(places=1, waiting=_ENDLESS, spare=0))
        self._passed = False

    async def passes(self, tenant: str) -> None:
        """Return when a piece of a request under way has its turn."""
        if self._under_way != 1:
            await self.enters(tenant)

    async def enters(self, tenant: str) -> None:
        """Return when it is the tenant's turn."""
        if not self._passed:
            self._close_until_next_round()
            return
        piece = _Passing(tenant, 1.0)
        self._turns.enter(piece)
        try:
            await piece.may.wait()
        except asyncio.CancelledError:
            self._turns.withdraw(piece)
            raise

    @contextmanager
    def request(self) -> Iterator[None]:
        """One more is under way in the block, and until the round in which it ends is over."""
        self._under_way += 1
        try:
            yield
        finally:
            asyncio.get_running_loop().call_soon(self._one_has_left)

    def _one_has_left(self) -> None:
        self._under_way -= 1

    def _close_until_next_round(self) -> None:
        self._passed = True
        asyncio.get_running_loop().call_soon(self._next_round)

    def _next_round(self) -> None:
        self._passed = False
        piece = self._turns.next()
        if piece is not None:
            piece.may.set()
            self._turns.finish(piece, piece.cost_s)
            self._close_until_next_round()


@dataclass(frozen=True, slots=True)
class TakeTurns:
    """ASGI middleware: a request begins when it is the turn of its party and the party has paid for
    those before, whatever became of them, so that a flood holds up nobody but those who send it.

    A body is charged when its length is announced: many large ones that come at once would all be
    read before anything was known of them."""

    app: ASGIApp
    turnstile: Turnstile
    restraint: Restraint
    party_of: Callable[[Scope], str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        exchange.party = party = self.party_of(scope)
        exchange.paid_s = announced_s = _announced_bytes(scope) * BYTE_S
        if not asks_for_health(scope):
            await self.restraint.pay(party, REQUEST_S + announced_s)
        try:
            with self.turnstile.request():
                await self.turnstile.enters(party)
                await self.app(scope, receive, send)
        finally:
            refused = (exchange.status or 0) >= _REFUSED_FROM
            carried_s = (exchange.bytes_in + exchange.bytes_out) * BYTE_S
            more_s = max(0.0, carried_s - exchange.paid_s)
            self.restraint.owe(party, more_s + refused * REFUSAL_S)


def _announced_bytes(scope: Scope) -> int:
    """0 where no length is announced, or none that means anything."""
    length = Headers(raw=scope["headers"]).get("content-length", "")
    return int(length) if length.isdecimal() and len(length) <= _MOST_DIGITS else 0
