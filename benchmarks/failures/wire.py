"""A TCP connection's way between two programs, which can be cut without a word."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

_CHUNK_BYTES = 65536


@dataclass
class Wire:
    """``port`` leads to ``upstream``, a port of this machine or the file of a socket.

    While it is cut, bytes, ends and new connections wait: as with a network that loses every
    packet, nobody hears anything. Then all that waited goes on.
    """

    upstream: int | str
    port: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _whole: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def cut(self) -> None:
        self._loop.call_soon_threadsafe(self._whole.clear)

    def mend(self) -> None:
        self._loop.call_soon_threadsafe(self._whole.set)

    async def _serve(self, started: threading.Event, ended: asyncio.Event) -> None:
        self._whole.set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await ended.wait()
        self._whole.set()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, ours: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._writers.append(back)
        await self._whole.wait()
        try:
            theirs, there = await self._reach()
        except OSError:
            back.transport.abort()
            return
        self._writers.append(there)
        await asyncio.gather(self._pass(ours, there), self._pass(theirs, back))

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.upstream, str):
            return await asyncio.open_unix_connection(self.upstream)
        return await asyncio.open_connection("127.0.0.1", self.upstream)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                await self._whole.wait()
                writer.write(chunk)
                await writer.drain()
        await self._whole.wait()
        writer.close()


@contextmanager
def wire_to(upstream: int | str) -> Iterator[Wire]:
    """A whole one, until the block ends."""
    wire, started, ended = Wire(upstream), threading.Event(), asyncio.Event()
    loop = wire._loop

    def run() -> None:
        with closing(loop):
            loop.run_until_complete(wire._serve(started, ended))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield wire
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
