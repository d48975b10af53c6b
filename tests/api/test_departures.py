"""Clients that leave without their answer, and how the log says so."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest
from starlette.types import Message
from structlog.testing import capture_logs

from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, app_over
from tests.served import form, part, post, serving

RESET = struct.pack("ii", 1, 0)
PATHS = ["/version", "/nothing", "/swagger/swagger-ui-bundle.js"]


def _logged(path: str, failure: Exception, *, sent: int) -> list[Any]:
    """What is logged when the server fails to send the message after the first ``sent``."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        if len(messages) == sent:
            raise failure
        messages.append(message)

    async def receive() -> Message:
        await asyncio.sleep(10)
        raise AssertionError("nobody waits for a client that says no more")

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
    }

    async def answer() -> None:
        await app_over(FakeServices())(scope, receive, send)

    with capture_logs() as logs:
        asyncio.run(answer())
    return logs


@pytest.mark.parametrize(("path", "sent"), [*((path, 0) for path in PATHS), (PATHS[-1], 1)])
@pytest.mark.parametrize(
    "failure",
    [BrokenPipeError(), ConnectionResetError(), OSError()],
)
def test_who_leaves_before_the_end_is_no_fault(path: str, sent: int, failure: Exception) -> None:
    (line,) = _logged(path, failure, sent=sent)
    assert (line["event"], line["status"], line["code"]) == ("request", 499, "client_left")


def test_who_leaves_in_the_middle_of_a_long_answer_is_one_who_left() -> None:
    with capture_logs() as logs, serving() as served, served.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f"GET {PATHS[-1]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        connection.close()
    (line,) = logs
    assert (line["status"], line["code"]) == (499, "client_left")


def test_an_answer_that_breaks_the_protocol_is_one() -> None:
    with pytest.raises(RuntimeError, match="Response content longer"):
        _logged("/version", RuntimeError("Response content longer than Content-Length"), sent=1)


def test_connections_that_are_reset_leave_no_fault_in_the_log() -> None:
    services = FakeServices()
    body = form(part("image_file", picture(size=50_000)))
    requests = [post("/v0/face/detect", body, key=services.api_key)]
    requests += [f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in PATHS]
    with capture_logs() as logs, serving(services) as served:
        for request in requests * 10:
            with served.connect() as connection:
                connection.sendall(request)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    assert {line["event"] for line in logs} == {"request"}
    assert {line["status"] for line in logs} <= {200, 404, 499}


def _heard_after_the_end(request: bytes, services: FakeServices) -> bytes:
    """What a client hears that says by closing its side that it will send no more."""
    with serving(services) as served, served.connect() as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
@pytest.mark.parametrize("expecting", [(), ("Expect: 100-continue",)])
def test_a_client_that_sent_a_form_and_will_send_no_more_hears_its_answer(
    version: bytes, expecting: tuple[str, ...]
) -> None:
    services = FakeServices()
    body = form(part("image_file", picture()))
    request = post("/v0/face/detect", body, *expecting, key=services.api_key)
    answer = _heard_after_the_end(request.replace(b"HTTP/1.1", version, 1), services)
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n" if expecting else b"")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.count(b"HTTP/1.1") == 1
    assert b'"total_faces":1' in answer


def test_it_hears_why_it_is_refused() -> None:
    request = post("/v0/face/detect", form(part("image_file", picture())))
    answer = _heard_after_the_end(request, FakeServices())
    assert answer.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert answer.count(b"HTTP/1.1") == 1


def test_half_a_form_before_the_end_is_a_departure() -> None:
    services = FakeServices()
    request = post("/v0/face/detect", form(part("image_file", picture())), key=services.api_key)
    assert _heard_after_the_end(request[:-10], services) == b""
