"""Let a client that is still sending hear the answer.

A server that answers early and closes while bytes are on their way makes the network reset the
connection, and the client never reads why it was refused. So an early answer is sent whole at
once, and the exchange ends when the rest of the body has arrived and been thrown away, or when
that takes too long.

A proxy that passes bodies on as they come (nginx, ``proxy_request_buffering off``) ends its
client's connection behind an early answer without having said so, and the client loses its next
request. So a refusal that goes to a proxy waits until the body has come.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perse.api.admission.restraint import Restraint
from perse.api.admission.turnstile import Turnstile
from perse.api.http.proxies import is_trusted
from perse.api.telemetry.exchange import exchange_of
from perse.settings.http import Network

_PIECE_S = 0.002
# A client that asked whether to send its body need not; some do after a second all the same.
_IMPATIENCE_S = 2.0
_REFUSALS = 400


@dataclass(frozen=True, slots=True)
class DrainBody:
    """ASGI middleware, next to the outermost.

    ``most_bytes`` and ``most_s`` bound what is thrown away. Of all connections one piece is read in
    each round of the event loop, and not at once of a party that takes a lot, so that refused
    uploads hold up nobody. ``proxies``: those that are trusted.
    """

    app: ASGIApp
    most_bytes: int = 64 * 1024 * 1024
    most_s: float = 15.0
    turnstile: Turnstile = field(default_factory=Turnstile)
    restraint: Restraint = field(default_factory=Restraint)
    proxies: tuple[Network, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, scope, self.most_bytes)
        peer = scope["client"][0] if scope.get("client") else None
        answer = _Answer(send, body, waits=is_trusted(peer, self.proxies))
        await self.app(scope, body.receive, answer.send)
        if answer.withheld:
            most_s = _IMPATIENCE_S if body.never_sent else self.most_s
            await self._throw_away(body, most_s, exchange_of(scope).party)
            for message in answer.withheld:
                await send(message)

    async def _throw_away(self, body: _Body, most_s: float, party: str) -> None:
        try:
            async with asyncio.timeout(most_s):
                while body.awaited and body.received < self.most_bytes:
                    await self.restraint.pay(party, _PIECE_S)
                    await self.turnstile.passes(party)
                    await body.receive()
        except TimeoutError:
            return


class _Body:
    """The request's body on its way in."""

    def __init__(self, receive: Receive, scope: Scope, most_bytes: int) -> None:
        headers = Headers(scope=scope)
        self._receive = receive
        self._length = headers.get("content-length", "")
        self._chunked = "transfer-encoding" in headers
        # HTTP/1.0 knows no 100 Continue: whoever asks for it there sends all the same.
        self._expected_to_continue = "expect" in headers and scope["http_version"] != "1.0"
        self._most_bytes = most_bytes
        self._begun = False
        self.received = 0
        self.awaited = self._chunked or self._length not in ("", "0")

    async def receive(self) -> Message:
        self._begun = True
        message = await self._receive()
        self.received += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.awaited = False
        return message

    @property
    def never_sent(self) -> bool:
        """A client that waits for 100 Continue and gets an answer instead may send no body."""
        return self._expected_to_continue and not self._begun

    @property
    def ends_in_sight(self) -> bool:
        return self._length.isdecimal() and int(self._length) <= self._most_bytes


class _Answer:
    """The answer on its way out; its end is withheld while the body still comes in, and all of a
    refusal that ``waits``."""

    def __init__(self, send: Send, body: _Body, *, waits: bool) -> None:
        self._send = send
        self._body = body
        self._waits = waits
        self.withheld: list[Message] = []

    async def send(self, message: Message) -> None:
        if self.withheld or self._is_to_wait(message):
            self.withheld.append(message)
            return
        body = self._body
        if message["type"] == "http.response.start" and body.awaited:
            if body.never_sent or not body.ends_in_sight:
                MutableHeaders(scope=message)["Connection"] = "close"
        elif message["type"] == "http.response.body" and body.awaited:
            if not message.get("more_body", False):
                self.withheld.append(
                    {"type": "http.response.body", "body": b"", "more_body": False}
                )
            message = {**message, "more_body": True}
        await self._send(message)

    def _is_to_wait(self, message: Message) -> bool:
        if not self._waits or message["type"] != "http.response.start":
            return False
        body = self._body
        comes = body.awaited and body.ends_in_sight and not body.never_sent
        return comes and message["status"] >= _REFUSALS
