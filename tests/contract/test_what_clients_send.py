"""Section 5 of the contract, byte for byte, over sockets."""

from __future__ import annotations

import pytest

from tests.fakes.faces import picture
from tests.served import Served, form, part, post, read_answer

DETECT = "/v0/face/detect"
BARE_PART = ("Content-Type: image/jpeg", "Content-Transfer-Encoding: binary")
OVER_1_MIB = 1_200_000


def _detect(served: Served, body: bytes, *headers: str) -> bytes:
    return post(DETECT, body, *headers, key=served.services.api_key)


@pytest.mark.parametrize("size", [0, OVER_1_MIB])
def test_1_a_file_part_without_filename_keeps_its_bytes(served: Served, size: int) -> None:
    content = picture(size=size)
    body = form(part("image_file", content, *BARE_PART))
    assert served.send(_detect(served, body)).status == 200
    assert served.services.faces.decoded[-1] == len(content)


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Type: application/octet-stream",),
        ("Content-Type: text/plain; charset=utf-16",),
        ("Content-Type: application/json",),
        ("content-transfer-encoding: 8BIT",),
        (),
    ],
)
def test_2_the_type_of_a_part_is_ignored(served: Served, headers: tuple[str, ...]) -> None:
    answer = served.send(_detect(served, form(part("image_file", picture(), *headers))))
    assert answer.json()["total_faces"] == 1


@pytest.mark.parametrize("filename", ["", "selfie", "../../etc/passwd", "a.exe", "x.jpg\\"])
def test_2_the_name_of_a_file_is_ignored(served: Served, filename: str) -> None:
    disposition = f'image_file"; filename="{filename}'
    answer = served.send(_detect(served, form(part(disposition, picture()))))
    assert answer.json()["total_faces"] == 1


@pytest.mark.parametrize("size", [1, 7, 1000, 65536])
def test_3_a_chunked_body_needs_no_content_length(served: Served, size: int) -> None:
    body = form(part("image_file", picture(size=size)))
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    head = _detect(served, b"", "Transfer-Encoding: chunked")
    assert served.send(head + chunked).json()["total_faces"] == 1


def test_3_the_limit_holds_while_a_chunked_body_streams(served: Served) -> None:
    """The refusal comes while the client still owes most of its body."""
    body = part("image_file", picture(size=2_100_000))
    with served.connect() as connection:
        connection.sendall(_detect(served, b"", "Transfer-Encoding: chunked"))
        connection.sendall(b"%x\r\n%s\r\n" % (len(body), body))
        answer = read_answer(connection)
    assert (answer.status, answer.json()["code"]) == (400, "file_too_large")
    assert answer.headers["connection"] == "close"


def test_5_connection_close_is_echoed_and_honoured(served: Served) -> None:
    body = form(part("image_file", picture()))
    with served.connect() as connection:
        connection.sendall(_detect(served, body, "Connection: close"))
        answer = read_answer(connection)
        assert answer.headers["connection"] == "close"
        assert connection.recv(1) == b""


def test_5_without_it_the_connection_serves_the_next_request(served: Served) -> None:
    request = _detect(served, form(part("image_file", picture())))
    with served.connect() as connection:
        for _ in range(3):
            connection.sendall(request)
            answer = read_answer(connection)
            assert answer.status == 200
            assert "connection" not in answer.headers


def test_5_http_1_0_closes(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET /health/live HTTP/1.0\r\n\r\n")
        assert read_answer(connection).status == 200
        assert connection.recv(1) == b""


PATHS = ["/v0/login", DETECT, "/v0/face/compare", "/health/ready", "/openapi.json", "/swagger"]


@pytest.mark.parametrize("path", PATHS)
def test_6_both_slash_forms_answer_alike_and_never_redirect(served: Served, path: str) -> None:
    def status(of: str) -> int:
        return served.send(f"GET {of} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).status

    assert status(path) == status(path + "/")
    assert not 300 <= status(path) < 400


def test_6_two_slashes_are_another_path(served: Served) -> None:
    assert served.send(b"GET /version// HTTP/1.1\r\nHost: x\r\n\r\n").status == 404


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("headers", ["x-api-key, authorization, content-type", "X-API-Key"])
def test_7_a_preflight_needs_no_authorisation(served: Served, slash: str, headers: str) -> None:
    lines = [
        f"OPTIONS {DETECT}{slash} HTTP/1.1",
        "Host: x",
        "Origin: https://shop.example",
        "Access-Control-Request-Method: POST",
        f"Access-Control-Request-Headers: {headers}",
    ]
    answer = served.send("\r\n".join([*lines, "", ""]).encode())
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = answer.headers["access-control-allow-headers"].lower()
    for header in ("x-api-key", "authorization", "content-type", "idempotency-key"):
        assert header in allowed
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        assert method in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (f"POST {DETECT}", 401),
        ("GET /nothing", 404),
        (f"GET {DETECT}", 405),
        ("GET /health/live", 200),
    ],
)
def test_7_errors_can_be_read_by_browsers(served: Served, request_line: str, status: int) -> None:
    lines = [f"{request_line} HTTP/1.1", "Host: x", "Origin: https://shop.example", "", ""]
    answer = served.send("\r\n".join(lines).encode())
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("host", ["elsewhere.example", "a b", "", "10.0.0.1:99999"])
def test_9_any_host_is_served(served: Served, host: str) -> None:
    answer = served.send(f"GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert answer.status == 200


def test_a_client_that_waits_for_100_continue_gets_it(served: Served) -> None:
    body = form(part("image_file", picture()))
    request = _detect(served, body, "Expect: 100-continue")
    head, _, _ = request.partition(b"\r\n\r\n")
    with served.connect() as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert read_answer(connection).status == 200


def test_a_client_that_waits_is_refused_without_sending_its_body(served: Served) -> None:
    request = post(DETECT, b"", "Expect: 100-continue").replace(
        b"Content-Length: 0", b"Content-Length: 5000"
    )
    with served.connect() as connection:
        connection.sendall(request)
        answer = read_answer(connection)
        assert (answer.status, answer.headers["connection"]) == (401, "close")
        assert connection.recv(1) == b""


def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    body = form(part("image_file", picture()))
    with served.connect() as connection:
        connection.sendall(_detect(served, body) + b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.settimeout(5)
        received = b""
        while b"not_found" not in received:
            received += connection.recv(65536)
    assert received.index(b"total_faces") < received.index(b"not_found")
