"""What a server that ends owes to clients and proxies that keep their connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import uvicorn

from perse.api.server.crowd import Crowd

_TICK_S: Final = 0.05


async def give_last_call(server: uvicorn.Server, crowd: Crowd, last_s: Callable[[], float]) -> None:
    """Clients keep connections for their next request, and may be sending it just now: so each
    hears that the answer is the last before its connection is closed. Nobody new is let in.

    ``last_s``: for how long a connection that is not asked anything stays open to answer once more.
    """
    crowd.winding_up = True
    for connection in list(server.server_state.connections):
        connection.answer_last()  # type: ignore[union-attr]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while server.server_state.connections and not server.force_exit:
        if loop.time() - begun > last_s():
            break
        await asyncio.sleep(_TICK_S)
