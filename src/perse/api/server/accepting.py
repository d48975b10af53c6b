"""Connections of a listener that several processes share, taken by who holds fewest.

The kernel wakes all of them, and the same one is mostly first. So each takes one connection at a
time, and leaves the next to another that holds fewer, unless that one does not come for it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from perse.api.telemetry.board import Board

_LEFT_S = 0.002
_LEFT_TIMES = 10
_NO_ROOM_S = 0.1


async def accept(
    listener: socket.socket, protocol: Callable[[], asyncio.Protocol], board: Board
) -> None:
    """Take connections until cancelled; one that was taken is served even then."""
    loop = asyncio.get_running_loop()
    while True:
        await _readable(listener)
        await _leave_to_others(board)
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            continue  # another process was faster, or the client left
        except OSError:  # too many open files
            await asyncio.sleep(_NO_ROOM_S)
            continue
        connection.setblocking(False)
        connecting = asyncio.ensure_future(loop.connect_accepted_socket(protocol, connection))
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            await connecting
            raise
        except OSError:  # the client has left meanwhile, as macOS tells
            connection.close()


async def _leave_to_others(board: Board) -> None:
    for _ in range(_LEFT_TIMES):
        if not board.another_is_freer():
            break
        await asyncio.sleep(_LEFT_S)


async def _readable(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not waiting.done():
            waiting.set_result(None)

    loop.add_reader(listener, tell)
    try:
        await waiting
    finally:
        loop.remove_reader(listener)
