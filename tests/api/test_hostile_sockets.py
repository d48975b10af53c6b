"""Clients that open a WebSocket to hold the server up: what each can hold, and how long."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode
from websockets.sync.client import ClientConnection

from perse.api.http.conversation import SocketLimits
from perse.api.server.crowd import Patience, Room
from tests.api.test_connections import GROWTH_MB, answered, ended, sent_until_ended
from tests.fakes.services import FakeServices, settings
from tests.fakes.sockets import echo
from tests.served import Served, serving
from tests.serving_process import ServingProcess, serving_process
from tests.sockets import announced, by_hand, close_code, closed_with, frame, heard, say, talking
from tests.sockets import text as said

LARGEST = 100_000


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A conversation that is patient for a moment only."""
    limits = SocketLimits(largest_bytes=LARGEST, messages_per_s=1000, silence_s=0.5, longest_s=2)
    with serving(sockets=[echo(limits)]) as server:
        yield server


# --- what is no WebSocket ---


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(Opcode.TEXT, b"{}").replace(b"\x81\x82", b"\x81\x02"), 1002),
        (frame(Opcode.CONT, b"x"), 1002),
        (frame(Opcode.BINARY, b"x", fin=False) + frame(Opcode.BINARY, b"x"), 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\xc2\x80\0\0\0\0", 1002),
        (b"\x09\x80\0\0\0\0", 1002),
        (b"\x89\xfe\x00\x7e\0\0\0\0", 1002),
        (b"\x82\xff" + b"\xff" * 8 + b"\0\0\0\0", 1002),
        (b"\x82\xfe\x00\x01\0\0\0\0x", 1002),
        (frame(Opcode.CLOSE, b"\x03"), 1002),
        (frame(Opcode.CLOSE, b"\x03\xed"), 1002),
        (frame(Opcode.CLOSE, b"\x03\xe8\xff"), 1007),
        (frame(Opcode.TEXT, b"\xff"), 1007),
        (frame(Opcode.TEXT, b'{"a": "\xed\xa0\x80"}'), 1007),
        (frame(Opcode.TEXT, b"\xf0\x9f", fin=False) + frame(Opcode.CONT, b"x"), 1007),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1002),
    ],
    ids=[
        "unmasked",
        "continues nothing",
        "begins another message before the end",
        "unknown opcode",
        "reserved bit",
        "ping in two",
        "long ping",
        "longer than can be",
        "length in more bytes than it takes",
        "close with half a code",
        "close with a code that is never sent",
        "close with a reason that is no text",
        "not UTF-8",
        "half a surrogate pair",
        "half a letter",
        "HTTP",
    ],
)
def test_what_is_no_frame_ends_it_at_once(served: Served, sent: bytes, code: int) -> None:
    with by_hand(served) as connection:
        connection.sendall(sent)
        assert close_code(connection) == code


def test_what_comes_with_the_request_is_heard(served: Served) -> None:
    with by_hand(served, said({"a": 1}), frame(Opcode.CLOSE)) as connection:
        (_, answer), (_, last) = heard(connection)
    assert json.loads(answer)["a"] == 1
    assert last == b""


def test_a_client_that_leaves_without_a_word_is_no_fault(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    with by_hand(served) as connection:
        connection.sendall(frame(Opcode.BINARY, b"half", fin=False))
    with by_hand(served, said({"a": 1})) as connection:
        linger = b"\1\0\0\0\0\0\0\0"  # end it by a reset
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    with talking(served.url) as talk:
        say(talk, a=1)
        talk.recv()
    assert "fault" not in "".join(capfd.readouterr())


# --- slow ones ---


def test_silence_ends_it(served: Served) -> None:
    with talking(served.url) as talk:
        code, reason, (problem,) = closed_with(talk)
    assert (code, reason) == (1008, "invalid_parameter")
    assert "0.5 seconds" in str(problem["message"])


def dripped(connection: socket.socket, drop: bytes) -> bool:
    """Send that now and then; true if the other side ends it."""
    connection.setblocking(False)
    for _ in range(200):
        time.sleep(0.05)
        try:
            connection.send(drop)
            while connection.recv(65536):
                pass
            return True
        except BlockingIOError:
            continue
        except ConnectionError:
            return True
    return False


DROPS = {  # by name: frames are masked at random, and tests are not
    "bytes": b"x",
    "pings": frame(Opcode.PING),
    "pongs": frame(Opcode.PONG, b"x"),
    "fragments": frame(Opcode.CONT, fin=False),
}


@pytest.mark.parametrize("dripping", DROPS)
def test_a_trickle_is_silence(served: Served, dripping: str) -> None:
    drop = DROPS[dripping]
    start = frame(Opcode.BINARY, b"x", fin=False) if drop != b"x" else announced(LARGEST)
    with by_hand(served, start) as connection:
        assert dripped(connection, drop)


def test_a_conversation_has_an_end(served: Served) -> None:
    with talking(served.url) as talk:
        with suppress(ConnectionClosed):
            while True:
                say(talk, a=1)
                talk.recv()
                time.sleep(0.05)
        code, _, last = closed_with(talk)
    assert code == 1008
    assert [it["message"] for it in last] in ([], ["a conversation may last 2 seconds"])


def test_who_does_not_hang_up_is_hung_up_on() -> None:
    patience = Patience(farewell_s=0.3)
    with (
        serving(patience=patience, sockets=[echo(SocketLimits(silence_s=0.2))]) as served,
        by_hand(served) as connection,
    ):
        assert sent_until_ended(connection, b"x" * 1000)


# --- much ---


def test_a_message_that_is_too_large_is_refused_before_it_is_there(served: Served) -> None:
    with by_hand(served, announced(2**62)) as connection:
        connection.sendall(b"x" * (LARGEST + 1))
        assert close_code(connection) == 1009


def test_so_is_one_of_many_frames(served: Served) -> None:
    with by_hand(served, frame(Opcode.BINARY, b"x" * LARGEST, fin=False)) as connection:
        connection.sendall(frame(Opcode.CONT, b"x", fin=False))
        assert close_code(connection) == 1009


def test_answers_that_nobody_takes_end_it() -> None:
    limits = SocketLimits(messages_per_s=10_000)
    with (
        serving(patience=Patience(unread_s=0.5), sockets=[echo(limits)]) as served,
        by_hand(served) as connection,
    ):
        assert sent_until_ended(connection, said({"say": 20_000}) * 10)
        assert ended(served, "unread") == 1


def test_pongs_that_nobody_takes_end_it() -> None:
    limits = SocketLimits(messages_per_s=100_000, silence_s=60)
    with (
        serving(patience=Patience(unread_s=0.5), sockets=[echo(limits)]) as served,
        by_hand(served) as connection,
    ):
        assert sent_until_ended(connection, frame(Opcode.PING, b"x" * 125) * 1000)
        assert ended(served, "unread") == 1


def test_a_party_holds_no_more_bytes_than_others_leave_it() -> None:
    small = settings(max_image_bytes=50_000, max_audio_bytes=50_000, body_memory_bytes=1_000_000)
    limits = SocketLimits(largest_bytes=10_000_000)
    with serving(FakeServices(small), sockets=[echo(limits)]) as served:
        with talking(served.url) as talk:
            talk.send(b"x" * 2_000_000)
            code, reason, _ = closed_with(talk)
            assert (code, reason) == (1013, "overloaded")
        with talking(served.url) as talk:
            talk.send(b"x" * 50_000)
            assert json.loads(talk.recv())["size"] == 50_000


# --- a server whose memory is looked at ---


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingProcess]:
    with serving_process(tmp_path_factory.mktemp("alone")) as process:
        yield process


FLOODS = {
    "pings": frame(Opcode.PING) * 10_000,
    "pongs": frame(Opcode.PONG, b"x" * 125) * 500,
    "empty fragments": frame(Opcode.BINARY, fin=False) + frame(Opcode.CONT, fin=False) * 10_000,
    "a frame without end": announced(2**62) + b"x" * 60_000,
    "messages": said({"a": 1}) * 4000,
    "large messages": frame(Opcode.BINARY, b"x" * 900_000),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_floods_take_no_memory_and_hold_up_nobody(alone: ServingProcess, flood: str) -> None:
    """From twenty connections, whose answers nobody reads."""
    before = alone.resident_mb
    with ExitStack() as stack:
        connections = [stack.enter_context(by_hand(alone)) for _ in range(20)]
        for connection in connections:
            connection.setblocking(False)
        for _ in range(20):
            for connection in connections:
                with suppress(OSError):
                    connection.send(FLOODS[flood])
            with alone.connect(source="127.0.0.2") as bystander:
                assert answered(bystander) == 200
        assert alone.resident_mb - before < GROWTH_MB


def test_many_silent_ones_hold_up_nobody_and_end_with_the_server(tmp_path: Path) -> None:
    with ExitStack() as stack, serving_process(tmp_path) as alone:
        before = alone.resident_mb
        silent = [stack.enter_context(by_hand(alone)) for _ in range(250)]
        with alone.connect(source="127.0.0.2") as bystander:
            assert answered(bystander) == 200
        assert alone.resident_mb - before < GROWTH_MB
        alone.process.terminate()
        for connection in silent:
            assert close_code(connection) == 1001
            connection.close()


# --- the end ---


def test_the_end_is_told_and_waits_for_nobody() -> None:
    talks = list[ClientConnection]()
    with ExitStack() as stack:
        with serving(sockets=[echo()]) as served:
            talks = [stack.enter_context(talking(served.url)) for _ in range(3)]
            say(talks[0], a=1)
            talks[0].recv()
            stack.enter_context(by_hand(served, announced(1000)))
        for talk in talks:
            code, reason, said_last = closed_with(talk)
            assert (code, reason) == (1001, "the server ends")
            assert said_last == []


def test_conversations_make_no_room_and_count_as_connections() -> None:
    room = Room(in_all=3, per_peer=100)
    with serving(room=room, sockets=[echo()]) as served, ExitStack() as stack:
        talks = [stack.enter_context(talking(served.url)) for _ in range(3)]
        with served.connect() as connection:
            assert answered(connection) == 503
        for talk in talks:
            say(talk, a=1)
            assert json.loads(talk.recv())["a"] == 1
