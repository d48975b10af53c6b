"""Clients that leave before they have read their answer: nobody's fault."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class NoticeDepartures:
    """ASGI middleware, the outermost: sending to a client that has left raises ClientDisconnect."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_to_client(message: Message) -> None:
            try:
                await send(message)
            except OSError:
                raise ClientDisconnect from None

        try:
            await self.app(scope, receive, send_to_client)
        except ClientDisconnect:
            await asyncio.sleep(0)  # the server hears of the reset in its next turn


async def departure(receive: Receive) -> None:
    """Returns when the client leaves; what it still sends is thrown away."""
    while (await receive())["type"] != "http.disconnect":
        pass
