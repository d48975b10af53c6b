"""What a server process gets from its parent: listeners, the board, and a channel between them."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from perse.api.server import parent
from perse.api.server.addresses import url_of
from perse.api.server.listeners import open_listeners
from perse.api.telemetry.board import new_board
from perse.own_memory import refuse_core_dumps


@dataclass(frozen=True, slots=True)
class Berth:
    """``channel`` tells the parent that this process serves, and is closed when the parent ends."""

    listeners: Sequence[socket.socket]
    board: int
    channel: socket.socket


def take_berth() -> Berth | None:
    """What was inherited, once; None in a process that has no parent."""
    told = os.environ.pop(parent.BERTH, None)
    if told is None:
        return None
    listeners, board, channel = told.split(":")
    numbers = [int(number) for number in (*listeners.split(","), board, channel)]
    for number in numbers:
        os.set_inheritable(number, False)
    *listening, last = (socket.socket(fileno=number) for number in (*numbers[:-2], numbers[-1]))
    return Berth(listening, numbers[-2], last)


def become_parent(
    count: int, *, host: str, port: int, on_address: Callable[[str], None] = lambda _: None
) -> NoReturn:
    """Listen, and turn into a parent of so many servers, which run the command of this process.

    ``on_address`` gets the address before anybody answers there. Raises AddressUnusable.
    """
    listeners = open_listeners(host, port)
    url = url_of(*listeners[0].getsockname()[:2])
    on_address(url)
    board = new_board()
    for number in (*(listener.fileno() for listener in listeners), board):
        os.set_inheritable(number, True)
    refuse_core_dumps()  # that much is inherited
    sys.stderr.flush()
    listening = ",".join(str(listener.fileno()) for listener in listeners)
    flag = "-I" if sys.flags.isolated else "-P"
    program = [sys.executable, flag, "-m", parent.__name__]
    words = [str(count), url, listening, str(board), sys.executable, *sys.orig_argv[1:]]
    os.execv(sys.executable, [*program, *words])  # noqa: S606
