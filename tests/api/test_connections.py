"""Connections that keep the server waiting, or are too many: what each can hold, and how long."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest

from perse.api.server.crowd import SPARE, Patience, Room
from perse.settings import Settings
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, settings
from tests.served import Served, form, is_closed, part, post, read_answer, serving
from tests.serving_process import ServingProcess, serving_process

DETECT = "/v0/face/detect"
VERSION = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def ended(served: Served, reason: str) -> float:
    """How many connections the server says that it ended for that reason."""
    text = httpx.get(f"{served.url}/metrics").text
    found = re.search(rf'^perse_connections_ended_total{{reason="{reason}"}} (\S+)$', text, re.M)
    return float(found[1]) if found else 0.0


def answered(connection: socket.socket, request: bytes = VERSION) -> int:
    connection.sendall(request)
    return read_answer(connection).status


# --- slow ones ---


def trickled(connection: socket.socket, data: bytes, *, pause_s: float = 0.05) -> bool:
    """Send ``data`` again and again, a little at a time; true if the other side ends it."""
    connection.settimeout(pause_s)
    for _ in range(int(8 / pause_s)):
        try:
            connection.sendall(data)
            if not connection.recv(65536):
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


def test_bytes_do_not_prolong_an_idle_connection() -> None:
    with serving(patience=Patience(idle_s=0.3)) as served:
        with served.connect() as connection:
            assert answered(connection) == 200
            assert trickled(connection, b"\r\n")
        with served.connect() as connection:
            assert answered(connection) == 200
            assert is_closed(connection)
        assert ended(served, "idle") == 2


@pytest.mark.parametrize("beginning", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_bytes_do_not_prolong_a_head(beginning: bytes) -> None:
    with serving(patience=Patience(head_s=0.3)) as served:
        with served.connect() as connection:
            connection.sendall(beginning)
            assert trickled(connection, b"a" if beginning else b"\r\n")
        with served.connect() as connection:
            assert answered(connection) == 200
            connection.sendall(beginning + b"a")
            assert trickled(connection, b"a" if beginning else b"")
        assert ended(served, "slow_head") >= 1


@pytest.mark.parametrize("path", [DETECT, "/v0/login", "/version", "/nowhere"])
@pytest.mark.parametrize("length", ["Content-Length: 400000", "Transfer-Encoding: chunked"])
def test_a_body_must_come_at_a_least_rate(path: str, length: str) -> None:
    """Whoever announces a body and sends a byte now and then is told so, and closed."""
    chunk = b"1\r\nx\r\n" if "chunked" in length else b"x"
    with serving(patience=Patience(body_grace_s=0.3)) as served, served.connect() as connection:
        key = served.services.api_key
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nx-api-key: {key}\r\n{length}\r\n\r\n"
        connection.sendall(head.encode() + chunk)
        assert trickled(connection, chunk)
        assert ended(served, "slow_body") == 1


def test_a_slow_body_hears_why() -> None:
    with serving(patience=Patience(body_grace_s=0.3)) as served, served.connect() as connection:
        body = form(part("image_file", b"x" * 5000))
        request = post(DETECT, body, key=served.services.api_key)
        connection.sendall(request[:-4000])
        answer = read_answer(connection)
        assert is_closed(connection)
    assert (answer.status, answer.json()["code"]) == (400, "invalid_parameter")
    assert "too slowly" in answer.json()["message"]


def test_a_body_at_the_least_rate_is_waited_for() -> None:
    patience = Patience(body_grace_s=0.1, body_bytes_per_s=5)
    with serving(patience=patience) as served, served.connect() as connection:
        body = json.dumps({"privateKey": served.services.api_key}).encode()
        connection.sendall(b"POST /v0/login HTTP/1.1\r\nHost: x\r\nContent-Length: 54\r\n\r\n")
        for byte in body:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)
        assert read_answer(connection).status == 200


def test_a_client_that_waits_to_be_asked_is_not_slow() -> None:
    """It sends nothing because we have not said 100 Continue: the worker is still busy."""
    services = FakeServices()
    with (
        serving(services, Patience(body_grace_s=0.1, body_bytes_per_s=1)) as served,
        served.connect() as connection,
    ):
        body = form(part("image_file", b"x"))
        request = post(DETECT, body, "Expect: 100-continue", key=services.api_key)
        connection.sendall(request.removesuffix(body))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert read_answer(connection).status == 415


def test_no_exchange_lasts_longer_than_its_time() -> None:
    """A body that comes fast enough for ever is not waited for longer than that."""
    patience = Patience(exchange_s=0.5, body_grace_s=60)
    with serving(patience=patience) as served, served.connect() as connection:
        connection.sendall(post("/version", b"", "Transfer-Encoding: chunked"))
        assert trickled(connection, b"1000\r\n" + b"x" * 4096 + b"\r\n")
        assert ended(served, "too_long") == 1


def test_a_refused_client_that_goes_on_sending_is_ended() -> None:
    with serving(patience=Patience(farewell_s=0.3)) as served, served.connect() as connection:
        connection.sendall(b"rubbish\r\n\r\n")
        assert read_answer(connection).status == 400
        assert sent_until_ended(connection, b"x" * 1000)


# --- answers that nobody reads ---


def sent_until_ended(connection: socket.socket, data: bytes, patience_s: float = 15) -> bool:
    """Send ``data`` again and again and read nothing; true if the other side ends it."""
    connection.settimeout(0.05)
    started = time.monotonic()
    while time.monotonic() - started < patience_s:
        try:
            connection.sendall(data)
            time.sleep(0.01)
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


def test_an_answer_that_is_not_read_is_given_up() -> None:
    """The client asks on and on: its socket's buffers fill, then ours."""
    with serving(patience=Patience(unread_s=0.5)) as served, served.connect() as connection:
        assert sent_until_ended(connection, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
        assert ended(served, "unread") == 1


def test_an_answer_that_is_read_slowly_arrives_whole() -> None:
    """It takes much longer than a client may take nothing at all."""
    patience = Patience(unread_s=1.0, idle_s=0.3)
    with serving(patience=patience) as served, served.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        asked = 25
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * asked)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < asked:
            data = connection.recv(16_384)
            assert data
            received += data
            time.sleep(0.02)
        assert ended(served, "unread") == 0


# --- memory ---


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingProcess]:
    with serving_process(tmp_path_factory.mktemp("alone")) as process:
        yield process


GROWTH_MB = 30


def test_endless_trailers_take_no_memory(alone: ServingProcess) -> None:
    """40 MB of them took a gigabyte once."""
    before = alone.resident_mb
    lines = (b"X-Trailer: " + b"a" * 100 + b"\r\n") * 9000
    with alone.connect() as connection:
        head = post(DETECT, b"", "Transfer-Encoding: chunked", key=alone.api_key)
        connection.sendall(head + b"0\r\n")
        with suppress(ConnectionError):
            for _ in range(40):
                connection.sendall(lines)
        assert alone.resident_mb - before < GROWTH_MB
        assert is_closed(connection)


def test_pipelined_requests_whose_answers_nobody_reads_take_no_memory(
    alone: ServingProcess,
) -> None:
    """Twenty connections took 593 MB once, and a bystander waited for 18 s."""
    before = alone.resident_mb
    batch = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
    with ExitStack() as stack:
        connections = [stack.enter_context(alone.connect()) for _ in range(20)]
        for connection in connections:
            connection.setblocking(False)
        for _ in range(20):
            for connection in connections:
                with suppress(BlockingIOError):
                    connection.send(batch)
        with alone.connect() as bystander:
            assert answered(bystander) == 200
        assert alone.resident_mb - before < GROWTH_MB


def test_long_extensions_of_chunks_take_no_memory(alone: ServingProcess) -> None:
    before = alone.resident_mb
    with alone.connect() as connection:
        connection.sendall(post(DETECT, b"", "Transfer-Encoding: chunked", key=alone.api_key))
        chunk = b"1;" + b"a" * 60_000 + b"\r\nx\r\n"
        for _ in range(300):
            connection.sendall(chunk)
        assert alone.resident_mb - before < GROWTH_MB


# --- many ---


def test_idle_connections_make_room() -> None:
    with serving(room=Room(in_all=5, per_peer=100)) as served, ExitStack() as stack:
        idle = [stack.enter_context(served.connect()) for _ in range(5)]
        assert [answered(connection) for connection in idle] == [200] * 5
        for _ in range(3):
            assert answered(stack.enter_context(served.connect())) == 200
        assert [is_closed(connection) for connection in idle[:3]] == [True] * 3
        assert answered(idle[4]) == 200
        assert ended(served, "made_room") >= 3


class Held:
    """Work that ends when the test says so, and counts who has come to it."""

    def __init__(self) -> None:
        self.come, self.done = threading.Semaphore(0), threading.Event()

    def __call__(self) -> None:
        self.come.release()
        assert self.done.wait(30)


@contextmanager
def at_work(room: Room) -> Iterator[Served]:
    """A server where three requests are being answered; none of them can be asked to go."""
    services, held = FakeServices(settings(workers=3)), Held()
    services.faces.before = held
    with serving(services, room=room) as served, ExitStack() as stack:
        stack.callback(held.done.set)
        body = form(part("image_file", picture()))
        for _ in range(3):
            connection = stack.enter_context(served.connect())
            connection.sendall(post(DETECT, body, key=services.api_key))
            assert held.come.acquire(timeout=10)
        yield served
        held.done.set()
        assert read_answer(connection).status == 200


def test_a_full_server_still_says_how_it_is() -> None:
    with at_work(Room(in_all=3, per_peer=100)) as served, ExitStack() as stack:
        for _ in range(3 * SPARE):
            assert answered(stack.enter_context(served.connect()), LIVE) == 200
        connection = stack.enter_context(served.connect())
        connection.sendall(VERSION)
        answer = read_answer(connection)
        assert is_closed(connection)
    assert (answer.status, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["connection"] == "close"


def test_one_peer_cannot_take_every_connection() -> None:
    with at_work(Room(in_all=100, per_peer=3)) as served, served.connect() as connection:
        answer = read_answer(connection)
        assert is_closed(connection)
    assert (answer.status, answer.json()["code"]) == (503, "overloaded")


def test_a_trusted_proxy_may() -> None:
    room = Room(in_all=100, per_peer=1, proxies=(ip_network("127.0.0.0/8"),))
    with serving(room=room) as served, ExitStack() as stack:
        connections = [stack.enter_context(served.connect()) for _ in range(9)]
        assert [answered(connection) for connection in connections] == [200] * 9
        assert [answered(connection) for connection in connections] == [200] * 9


def test_room_follows_the_settings() -> None:
    small = Room.of(Settings(max_connections=7, max_connections_per_peer=2))
    assert (small.in_all, small.per_peer) == (7, 2)
    assert Room.of(Settings(max_connections=7)).per_peer == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_few_descriptors_are_not_used_up(tmp_path: Path) -> None:
    """With 256 of them, 237 connections shut everybody out once, without a word.

    Some are idle, some have announced a body and sent one byte. Whoever else comes is served.
    """
    with serving_process(tmp_path, descriptors=256) as alone, ExitStack() as stack:
        waiting = post(DETECT, b"", key=alone.api_key).replace(b"Length: 0", b"Length: 50000")
        for number in range(300):
            connection = stack.enter_context(alone.connect())
            with suppress(ConnectionError):
                connection.sendall(waiting + b"-" if number % 2 else b"")
        for _ in range(5):
            with alone.connect(source="127.0.0.2") as connection:
                assert answered(connection) == 200
        assert alone.process.num_fds() < 256


def test_open_connections_do_not_hold_up_the_end() -> None:
    with ExitStack() as stack, serving() as served:
        connections = [stack.enter_context(served.connect()) for _ in range(4)]
        assert answered(connections[0]) == 200
        connections[1].sendall(b"rubbish\r\n\r\n")
        assert read_answer(connections[1]).status == 400
        connections[2].sendall(b"GET / HT")


def test_refusals_are_logged_now_and_then(tmp_path: Path) -> None:
    with serving_process(tmp_path) as alone:
        for _ in range(20):
            with alone.connect() as connection:
                connection.sendall(b"rubbish\r\n\r\n")
                assert read_answer(connection).status == 400
    lines = [json.loads(line) for line in alone.log.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["connections_refused"]
    assert lines[0]["malformed"] == 1
    assert "127.0.0.1" not in alone.log.read_text()
