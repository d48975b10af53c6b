"""A line of frames whose client takes nothing, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from wsproto.connection import Connection, ConnectionType
from wsproto.events import Ping

from perse.api.http.lines import CloseCode, LineClosed
from perse.api.server.frames import FramedLine


class Wire(asyncio.Transport):
    """What the line writes is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Full:
    """A connection whose client takes nothing for now."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.transport: asyncio.Transport = self.wire
        self.flow = FlowControl(self.wire)
        self.flow.pause_writing()

    def switch(self, headers: Sequence[tuple[bytes, bytes]]) -> None: ...

    def finish(self) -> None: ...

    def part(self) -> None:
        self.flow.resume_writing()


@pytest.mark.parametrize("waiting", ["a message", "a pong"])
def test_what_waits_to_be_sent_while_the_server_hangs_up_is_told_so(waiting: str) -> None:
    async def scene() -> bytes:
        connection = Full()
        line = FramedLine(connection)
        line.feed(Connection(ConnectionType.CLIENT).send(Ping(b"there?")))
        work = line.send("{}") if waiting == "a message" else line.piece()
        sending = asyncio.ensure_future(work)
        await asyncio.sleep(0)
        line.close(CloseCode.GOING_AWAY)
        said = connection.wire.written
        with pytest.raises(LineClosed) as closed:
            await sending
        assert closed.value.code == CloseCode.GOING_AWAY
        assert connection.wire.written == said
        return said

    assert asyncio.run(scene())
