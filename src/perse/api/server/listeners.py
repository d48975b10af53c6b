"""Sockets that listen."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from perse.errors import AddressUnusable

BACKLOG = 2048
# What lies unread in the kernel is memory, too, and hides from us how a client reads.
KERNEL_SEND_BYTES = 128 * 1024
# A name may have addresses of a kind that this machine has not.
_NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def open_listeners(host: str, port: int) -> Sequence[socket.socket]:
    """A socket for every address of ``host``; port 0 takes one that is free, the same for all.

    Raises AddressUnusable.
    """
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with ExitStack() as opened:
            listeners = list[socket.socket]()
            for family, address in dict.fromkeys((kind, at) for kind, _, _, _, at in found):
                chosen = listeners[0].getsockname()[1] if listeners else port
                last = len(listeners) == 0 and address == found[-1][-1]
                listener = _listening(family, (address[0], chosen, *address[2:]), must=last)
                listeners += [opened.enter_context(listener)] if listener else []
            opened.pop_all()
            return listeners
    except OSError as error:
        raise unusable(host, port, error) from None


def unusable(host: str, port: int, error: OSError) -> AddressUnusable:
    """What to say of an address that cannot be had."""
    return AddressUnusable(
        f"port {port} of {host} cannot be had ({error.strerror or error}): "
        "choose another with --port or --host"
    )


def _listening(family: int, address: tuple[object, ...], *, must: bool) -> socket.socket | None:
    try:
        listener = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno in _NOT_HERE and not must:
            return None
        raise
    listener.setblocking(False)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_SEND_BYTES)
    return listener
