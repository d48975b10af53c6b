"""One of several server processes: it takes its share of the connections, and ends when its parent
says so, or ends itself."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog
import uvicorn
from starlette.types import ASGIApp

from perse.api.server.accepting import accept
from perse.api.server.berth import Berth
from perse.api.server.crowd import Crowd
from perse.api.server.last_call import give_last_call
from perse.api.server.server import configuration, run
from perse.api.server.watch import READY, Watch
from perse.api.telemetry.board import Board
from perse.api.telemetry.metrics import Metrics
from perse.chores import Chore
from perse.own_memory import give_back_freed_memory, keep_memory_private

_POST_EVERY_S = 1.0
# For how long a connection that is not asked anything stays open to answer once more: while others
# serve; when all end, as for a server alone.
_LAST_CALL_S = 10.0


@dataclass(frozen=True, slots=True)
class Serving:
    """What a process serves."""

    app: ASGIApp
    crowd: Crowd
    metrics: Metrics


def serve_in(berth: Berth, processes: int, open_one: Callable[[Board], Serving]) -> None:
    """Serve in so many processes forked from this one, which only watches them then; in this one
    where one is enough. Each opens what it serves by ``open_one``.

    What this process holds when it is called is shared by all of them, as long as none writes to
    it; so it must hold no thread that they need and no connection.
    """
    keep_memory_private()

    def serve(channel: socket.socket) -> None:
        _serve(berth, channel, open_one)

    if processes == 1:
        serve(berth.channel)
        return
    gc.collect()
    gc.freeze()  # the collector would write to every object
    give_back_freed_memory()
    watch = Watch(
        processes,
        serve,
        listeners=berth.listeners,
        on_ready=partial(berth.channel.send, READY),
        tell=structlog.get_logger("perse").warning,
        above=berth.channel,
    )
    sys.exit(watch.run())


def _serve(berth: Berth, channel: socket.socket, open_one: Callable[[Board], Serving]) -> None:
    board = Board(berth.board)
    serving = open_one(board)
    serving.crowd.show = board.show_connections
    posting = Chore(serving.metrics.post, every_s=_POST_EVERY_S, name="perse-metrics")
    run(_SharingServer(serving, Berth(berth.listeners, berth.board, channel), board))
    posting.close()
    serving.metrics.post()


class _SharingServer(uvicorn.Server):
    def __init__(self, serving: Serving, berth: Berth, board: Board) -> None:
        super().__init__(configuration(serving.app, serving.crowd))
        self._crowd, self._berth, self._board = serving.crowd, berth, board
        self._accepting: list[asyncio.Task[None]] = []
        self._alone = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        self._watching = asyncio.create_task(self._crowd.watch())
        await super().startup(sockets=[])
        self._board.show_connections(0)
        for listener in self._berth.listeners:
            accepting = asyncio.create_task(accept(listener, self._connection, self._board))
            accepting.add_done_callback(self._end)
            self._accepting.append(accepting)
        asyncio.get_running_loop().add_reader(self._berth.channel, self._be_alone)
        self._berth.channel.send(READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        self._board.show_connections(None)
        self._crowd.show = lambda _: None
        for accepting in self._accepting:
            accepting.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for listener in self._berth.listeners:
            listener.close()
        await give_last_call(self, self._crowd, self._last_s)
        await super().shutdown()

    def _connection(self) -> asyncio.Protocol:
        kind: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return kind(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _end(self, _: object = None) -> None:
        """Connections cannot be taken any more, or need not."""
        self.should_exit = True

    def _be_alone(self) -> None:
        """The parent has ended, or ends."""
        asyncio.get_running_loop().remove_reader(self._berth.channel)
        self._alone = self.should_exit = True

    def _last_s(self) -> float:
        return self._crowd.patience.last_call_s if self._alone else _LAST_CALL_S
