"""Serve the application until a signal ends it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from perse.api.addresses import url_of
from perse.api.connections import GuardedHttp
from perse.api.own_memory import keep_memory_private
from perse.errors import AddressUnusable

_BACKLOG = 2048
# Longer than the minute for which common proxies keep their side open.
_KEEP_ALIVE_S = 75
_GRACE_S = 30


class AnnouncingServer(uvicorn.Server):
    """Says where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            listening = self.servers[0].sockets[0]
            self._on_ready(url_of(*listening.getsockname()[:2]))


def make_server(
    app: ASGIApp, *, host: str, port: int, on_ready: Callable[[str], None]
) -> AnnouncingServer:
    """A server whose ``run`` blocks; port 0 takes a free one."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        # uvloop keeps the last 256 KB that it received in a buffer of its own for ever.
        loop="asyncio",
        http=GuardedHttp,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return AnnouncingServer(config, on_ready)


def serve(app: ASGIApp, *, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was accepted and return.

    ``on_ready`` gets the address, such as ``http://127.0.0.1:8080``, when requests are answered.
    Raises AddressUnusable before anything is started.
    """
    _try_address(host, port)
    keep_memory_private()
    with _quiet_signals():
        make_server(app, host=host, port=port, on_ready=on_ready).run()


def _try_address(host: str, port: int) -> None:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address, family=family).close()
    except OSError as error:
        raise AddressUnusable(
            f"port {port} of {host} cannot be had ({error.strerror or error}): "
            "choose another with --port or --host"
        ) from None


@contextmanager
def _quiet_signals() -> Iterator[None]:
    """uvicorn ends in good order and then raises the signal again; here it has done its work."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: None) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
