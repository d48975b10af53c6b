"""A line of frames whose client takes nothing, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, Message, Ping

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
        self.lingers = self.parted = False

    def switch(self, headers: Sequence[tuple[bytes, bytes]]) -> None: ...

    def finish(self) -> None: ...

    def linger(self) -> None:
        self.lingers = True
        self.flow.resume_writing()

    def part(self) -> None:
        self.parted = True


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


GOODBYE = CloseConnection(CloseCode.DONE)


def hung_up(*said: Event, before: Sequence[Event] = ()) -> Full:
    """A connection whose client says that, after the server has hung up and before."""

    async def scene() -> Full:
        connection, client = Full(), Connection(ConnectionType.CLIENT)
        line = FramedLine(connection)
        for event in before:
            line.feed(client.send(event))
        line.close(CloseCode.DONE)
        assert connection.lingers
        for event in said:
            line.hear_out(client.send(event))
        return connection

    return asyncio.run(scene())


def test_the_client_s_goodbye_is_waited_for() -> None:
    assert not hung_up().parted
    assert not hung_up(Message(data=b"under way"), Ping()).parted
    assert hung_up(Message(data=b"under way"), GOODBYE).parted


def test_a_goodbye_that_had_come_already_is_not_waited_for() -> None:
    assert hung_up(before=[GOODBYE]).parted


def test_who_goes_on_talking_is_not_listened_to_for_ever() -> None:
    assert hung_up(*[Message(data=bytes(100_000))] * 11).parted
