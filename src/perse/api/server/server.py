"""Serve the application until a signal ends it."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from perse.api.server.addresses import url_of
from perse.api.server.crowd import Crowd
from perse.api.server.last_call import give_last_call
from perse.api.server.listeners import BACKLOG, KERNEL_SEND_BYTES, unusable
from perse.api.server.switching import AnswerUpgrades, SwitchingHttp
from perse.own_memory import keep_memory_private

# asyncio accepts so many before it tells of the first; each takes a descriptor.
_ACCEPTED_AT_ONCE = 32
_GRACE_S = 30
# For how long a thread may keep the interpreter while another waits for it. A question to SQLite
# asks for it back about ten times, and may wait each time, with Python's own value for 5 ms.
_INTERPRETER_TURN_S = 0.0005


class AnnouncingServer(uvicorn.Server):
    """Says where it listens, once it does, and watches over its connections."""

    def __init__(
        self, config: uvicorn.Config, crowd: Crowd, on_ready: Callable[[str], None]
    ) -> None:
        super().__init__(config)
        self._crowd = crowd
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._watching = asyncio.create_task(self._crowd.watch())
        await super().startup(sockets)
        if self.started and not self.should_exit:
            listening = self.servers[0].sockets
            for one in listening:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_SEND_BYTES)
                with one.dup() as same:
                    same.listen(BACKLOG)
            self._on_ready(url_of(*listening[0].getsockname()[:2]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await give_last_call(self, self._crowd, lambda: self._crowd.patience.last_call_s)
        await super().shutdown(sockets)


def make_server(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    crowd: Crowd | None = None,
) -> AnnouncingServer:
    """A server whose ``run`` blocks; port 0 takes a free one."""
    crowd = crowd or Crowd()
    return AnnouncingServer(configuration(app, crowd, host, port), crowd, on_ready)


def configuration(app: ASGIApp, crowd: Crowd, host: str = "", port: int = 0) -> uvicorn.Config:
    """How uvicorn serves; without host and port, what others accepted."""
    return uvicorn.Config(
        AnswerUpgrades(app),
        host=host,
        port=port,
        # uvloop keeps the last 256 KB that it received in a buffer of its own for ever.
        loop="asyncio",
        http=cast(type[asyncio.Protocol], partial(SwitchingHttp, crowd)),
        ws="none",  # a WebSocket begins as a request that is answered as all are
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_ACCEPTED_AT_ONCE,
        timeout_keep_alive=int(crowd.patience.idle_s) + 1,
        timeout_graceful_shutdown=_GRACE_S,
    )


def serve(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    crowd: Crowd | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was accepted and return.

    ``on_ready`` gets the address, such as ``http://127.0.0.1:8080``, when requests are answered.
    Raises AddressUnusable before anything is started.
    """
    _try_address(host, port)
    keep_memory_private()
    run(make_server(app, host=host, port=port, on_ready=on_ready, crowd=crowd))


def run(server: uvicorn.Server) -> None:
    """Until SIGINT or SIGTERM, as ``serve``."""
    sys.setswitchinterval(_INTERPRETER_TURN_S)
    # What there is stays. Going through all of it now and then took 0.1 s of everybody's time.
    gc.collect()
    gc.freeze()
    with _quiet_signals():
        server.run()


def _try_address(host: str, port: int) -> None:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address, family=family).close()
    except OSError as error:
        raise unusable(host, port, error) from None


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
