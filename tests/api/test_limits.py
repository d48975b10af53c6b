"""What is too large, too slow or refused early, and that the client hears it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from perse.api.server.crowd import Patience
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, settings
from tests.served import BOUNDARY, Served, form, part, post, read_answer, serving

DETECT = "/v0/face/detect"
LIMIT = 100_000
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def small() -> Iterator[Served]:
    with serving(FakeServices(settings(max_image_bytes=LIMIT))) as served:
        yield served


def _sized(size: int) -> bytes:
    return picture(size=size)[:size]


def test_a_picture_at_the_limit_is_taken(small: Served) -> None:
    with small.client() as client:
        assert client.post(DETECT, files={"image_file": _sized(LIMIT)}).status_code == 200


@pytest.mark.parametrize("size", [LIMIT + 1, 3 * LIMIT, 20 * MEGABYTE])
def test_an_ordinary_client_reads_why_its_picture_is_refused(small: Served, size: int) -> None:
    """It sends everything before it reads; nothing may reset its connection."""
    with small.client() as client:
        answer = client.post(DETECT, files={"image_file": _sized(size)})
        assert answer.status_code == 400
        assert answer.json()["code"] == "file_too_large"
        assert client.post(DETECT, files={"image_file": _sized(10)}).status_code == 415


def test_each_file_of_two_may_be_as_large_as_one(small: Served) -> None:
    with small.client() as client:
        files = {"image_file1": _sized(LIMIT), "image_file2": _sized(LIMIT)}
        assert client.post("/v0/face/compare", files=files).status_code == 200
        files["image_file2"] = _sized(LIMIT + 1)
        answer = client.post("/v0/face/compare", files=files)
        assert answer.json()["code"] == "file_too_large"
        assert "image_file2" in answer.json()["message"]


@pytest.mark.parametrize("key", [None, "present"])
def test_a_large_body_is_refused_by_its_announcement(small: Served, key: str | None) -> None:
    """The answer comes before a byte of the body was sent."""
    request = post(DETECT, b"", key=small.services.api_key if key else None).replace(
        b"Content-Length: 0", b"Content-Length: 50000000"
    )
    with small.connect() as connection:
        connection.sendall(request)
        answer = read_answer(connection)
    assert answer.json()["code"] == ("file_too_large" if key else "unauthorized")


def test_a_body_without_end_in_sight_closes_the_connection(small: Served) -> None:
    request = post(DETECT, b"").replace(b"Content-Length: 0", b"Content-Length: 999999999")
    with small.connect() as connection:
        connection.sendall(request)
        answer = read_answer(connection)
    assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_a_refused_client_keeps_its_connection(small: Served) -> None:
    """401 to a body of ordinary size: the rest is thrown away, the connection goes on."""
    body = form(part("image_file", _sized(LIMIT)))
    with small.connect() as connection:
        connection.sendall(post(DETECT, body))
        assert read_answer(connection).status == 401
        connection.sendall(post(DETECT, body, key=small.services.api_key))
        assert read_answer(connection).status == 200


def test_a_client_that_closes_after_sending_hears_the_refusal(small: Served) -> None:
    body = form(part("image_file", _sized(20 * LIMIT)))
    for _ in range(5):
        with small.connect() as connection:
            connection.sendall(post(DETECT, body, "Connection: close"))
            answer = read_answer(connection)
        assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_files_of_other_names_cannot_fill_the_memory(small: Served) -> None:
    with small.client() as client:
        answer = client.post(DETECT, files={"other": _sized(3 * LIMIT)})
    assert answer.json()["code"] == "file_too_large"


@pytest.mark.parametrize("path", [DETECT, "/v0/login"])
def test_a_slow_body_is_given_up(path: str) -> None:
    services = FakeServices(settings(upload_timeout_s=0.3))
    with serving(services) as served, served.connect() as connection:
        started = time.perf_counter()
        request = post(path, b"", key=services.api_key)
        connection.sendall(request.replace(b"Content-Length: 0", b"Content-Length: 4000"))
        connection.sendall(f"--{BOUNDARY}\r\n".encode())
        answer = read_answer(connection)
        assert time.perf_counter() - started < 3
    assert (answer.status, answer.json()["code"]) == (400, "invalid_parameter")
    assert "0.3 seconds" in answer.json()["message"]


def test_a_head_that_does_not_come_is_given_up() -> None:
    with serving(patience=Patience(head_s=0.2)) as served:
        for beginning in (b"", b"GET / HTTP/1.1\r\nHost: "):
            with served.connect() as connection:
                connection.sendall(beginning)
                assert connection.recv(1) == b""
        with served.connect() as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(connection).status == 200
            connection.sendall(b"GET /health")
            assert connection.recv(1) == b""


def test_a_client_that_leaves_in_the_middle_harms_nobody(small: Served) -> None:
    body = form(part("image_file", _sized(LIMIT)))
    request = post(DETECT, body, key=small.services.api_key)
    for cut in (30, 300, len(request) // 2, len(request) - 1):
        with small.connect() as connection:
            connection.sendall(request[:cut])
            if cut % 2:
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    with small.client() as client:
        assert client.post(DETECT, files={"image_file": picture()}).status_code == 200
