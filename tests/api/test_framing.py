"""Where a request ends: no reading of it differs from the one that the strictest proxy has."""

from __future__ import annotations

import json
import socket

import h11
import pytest

from perse.api.server.framing import StrictConnection
from tests.fakes.faces import picture
from tests.served import RawAnswer, Served, form, is_closed, part, post, read_answer

DETECT = "/v0/face/detect"
VERSION = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
# What Java's HttpClient sends with every plain request, and what nginx is often told to add.
JAVA = (
    "Connection: Upgrade, HTTP2-Settings",
    "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAABk",
    "Upgrade: h2c",
)
NGINX = ("Upgrade: websocket", "Connection: upgrade")
OFFERS = [
    JAVA,
    NGINX,
    ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    ("Connection: keep-alive, Upgrade", "Upgrade: TLS/1.0, HTTP/2.0"),
]


def login(served: Served, *headers: str, version: str = "1.1") -> bytes:
    body = json.dumps({"privateKey": served.services.api_key}).encode()
    lines = [f"POST /v0/login HTTP/{version}", "Host: x", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(
    served: Served, *headers: str, tail: bytes = b"0\r\n\r\n", version: str = "1.1"
) -> bytes:
    body = json.dumps({"privateKey": served.services.api_key}).encode()
    lines = [f"POST /v0/login HTTP/{version}", "Host: x", *headers, "", f"{len(body):x}", ""]
    return "\r\n".join(lines).encode() + body + b"\r\n" + tail


def both(served: Served, first: bytes) -> tuple[RawAnswer, RawAnswer]:
    """The answers to two requests on one connection, the second an ordinary one."""
    with served.connect() as connection:
        connection.sendall(first)
        one = read_answer(connection)
        connection.sendall(VERSION)
        return one, read_answer(connection)


def assert_refused(served: Served, request: bytes) -> None:
    """400 in our shape, and nothing after it is read as a request."""
    with served.connect() as connection:
        connection.sendall(request)
        answer = read_answer(connection)
        assert is_closed(connection)
    assert (answer.status, answer.json()["code"]) == (400, "invalid_parameter")
    assert set(answer.json()) == {"code", "message", "status"}
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


# --- what is offered and not taken ---


@pytest.mark.parametrize("offer", OFFERS)
def test_an_upgrade_is_not_taken_and_the_body_stays_a_body(
    served: Served, offer: tuple[str, ...]
) -> None:
    """RFC 9110, 7.8."""
    first, second = both(served, login(served, *offer))
    assert (first.status, second.status) == (200, 200)
    assert first.json()["token"]
    assert "model" in second.body.decode()


def test_the_very_bytes_of_javas_client(served: Served) -> None:
    """As java.net.http of JDK 17 writes them; test_clients_and_proxies.py runs the real one."""
    body = json.dumps({"privateKey": served.services.api_key})
    request = (
        "POST /v0/login HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        f"Content-Length: {len(body)}\r\nHost: 127.0.0.1:{served.port}\r\n"
        "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\nUpgrade: h2c\r\n"
        "User-Agent: Java-http-client/17.0.15\r\nContent-Type: application/json\r\n\r\n"
    )
    first, second = both(served, (request + body).encode())
    assert (first.status, second.status) == (200, 200)


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_request_in_a_body_is_never_executed(
    served: Served, method: str, offer: tuple[str, ...]
) -> None:
    """Not even one that is sent once the answer to the other is there."""
    hidden = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    lines = [f"{method} /version HTTP/1.1", "Host: x", *offer, f"Content-Length: {len(hidden)}"]
    with served.connect() as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert read_answer(connection).status in (200, 204, 405)
        connection.sendall(hidden + VERSION)
        answer = read_answer(connection)
    assert answer.status == 200
    assert "models" in answer.json()


@pytest.mark.parametrize("offer", OFFERS)
def test_a_picture_comes_whole_beside_an_offer(served: Served, offer: tuple[str, ...]) -> None:
    body = form(part("image_file", picture(size=300_000)))
    first, second = both(served, post(DETECT, body, *offer, key=served.services.api_key))
    assert (first.status, second.status) == (200, 200)


def test_the_head_of_an_offer_may_come_before_its_body(served: Served) -> None:
    head, _, body = login(served, *JAVA).partition(b"\r\n\r\n")
    with served.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(head + b"\r\n\r\n")
        for byte in body:
            connection.sendall(bytes([byte]))
        assert read_answer(connection).status == 200


# --- what two programs could read in two ways ---

LENGTHS = [
    ("Content-Length: 54",),
    ("Content-Length: 5",),
    ("Content-Length: 54, 54",),
    ("Content-Length: +54",),
    ("Content-Length: 0x36",),
    ("Content-Length: -1",),
    ("Content-Length:",),
    ("Content-Length: 54 54",),
    ("Content-Length: 99999999999999999999999",),
    ("Transfer-Encoding: chunked",),
    ("transfer-encoding: CHUNKED",),
    ("Content-Length : 54",),
]


@pytest.mark.parametrize("fields", LENGTHS)
def test_a_second_length_is_refused(served: Served, fields: tuple[str, ...]) -> None:
    assert_refused(served, login(served, *fields))


CODINGS = [
    "gzip, chunked",
    "chunked, chunked",
    "chunked, identity",
    "chunked;q=1",
    "xchunked",
    "identity",
    "gzip",
    "",
    '"chunked"',
    "\x0bchunked",
    "chunked\r\nTransfer-Encoding: chunked",
    "chunked\r\nTransfer-Encoding: identity",
    "chunked\r\nContent-Length: 5",
    "\r\n chunked",
]


@pytest.mark.parametrize("coding", CODINGS)
def test_a_transfer_coding_other_than_chunked_is_refused(served: Served, coding: str) -> None:
    assert_refused(served, chunked(served, f"Transfer-Encoding: {coding}"))


def test_http_1_0_has_no_transfer_coding(served: Served) -> None:
    assert_refused(served, chunked(served, "Transfer-Encoding: chunked", version="1.0"))


TAILS = {
    "bare LF after the last chunk": b"0\n\n",
    "bare LF in the end of the trailer": b"0\r\n\n",
    "bare LF in a chunk's extension": b"1;a\nb\r\nx\r\n0\r\n\r\n",
    "bare CR in a chunk's extension": b"1;a\rb\r\nx\r\n0\r\n\r\n",
    "a chunk that is longer than it says": b"1\r\nxy\r\n0\r\n\r\n",
    "a size that is none": b"g\r\n\r\n",
    "a size with a sign": b"+1\r\nx\r\n0\r\n\r\n",
    "a size of C": b"0x1\r\nx\r\n0\r\n\r\n",
    "no size": b"\r\n\r\n",
    "a trailer whose line is continued": b"0\r\na: b\r\n c\r\n\r\n",
    "a trailer with a bare LF": b"0\r\na: b\nc: d\r\n\r\n",
    "a trailer that is no field": b"0\r\nGET /version HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("name", TAILS)
def test_chunks_that_two_could_read_in_two_ways_are_refused(served: Served, name: str) -> None:
    assert_refused(served, chunked(served, "Transfer-Encoding: chunked", tail=TAILS[name]))


HEADS = {
    "bare LF everywhere": b"GET /version HTTP/1.1\nHost: x\n\n",
    "bare LF after a field": b"GET /version HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n",
    "bare LF at the end": b"GET /version HTTP/1.1\r\nHost: x\r\n\n",
    "bare CR": b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: b\rX-C: d\r\n\r\n",
    "a continued line": b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n",
    "a continued first line": b"GET /version HTTP/1.1\r\n Host: x\r\n\r\n",
    "NUL": b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: b\x00c\r\n\r\n",
    "a control character": b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: b\x01c\r\n\r\n",
    "a blank before the colon": b"GET /version HTTP/1.1\r\nHost : x\r\n\r\n",
    "no colon": b"GET /version HTTP/1.1\r\nHost: x\r\nrubbish\r\n\r\n",
    "no name": b"GET /version HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
    "no host": b"GET /version HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /version HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "no version": b"GET /version\r\n\r\n",
    "two blanks": b"GET  /version HTTP/1.1\r\nHost: x\r\n\r\n",
    "a blank in the target": b"GET /version x HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.2": b"GET /version HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /version HTTP/0.9\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "rubbish": b"rubbish\r\n\r\n",
    "another expectation": b"GET /version HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n",
    "a second expectation": (
        b"GET /version HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nExpect: 100-continue\r\n\r\n"
    ),
    "CONNECT": b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n",
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_is_not_plain_is_refused(served: Served, name: str) -> None:
    assert_refused(served, HEADS[name])


@pytest.mark.parametrize("name", ["CONNECT", "HTTP/2", "rubbish", "another expectation"])
def test_nothing_after_a_refusal_is_executed(served: Served, name: str) -> None:
    assert_refused(served, HEADS[name] + VERSION)


def test_a_refusal_says_what_is_wrong(served: Served) -> None:
    answer = served.send(HEADS["a continued line"])
    assert "CRLF" in answer.json()["message"]
    answer = served.send(HEADS["no host"])
    assert "Host" in answer.json()["message"]


# --- what is plain ---


@pytest.mark.parametrize(
    "request_",
    [
        VERSION,
        b"GET /version HTTP/1.0\r\n\r\n",
        b"\r\n" + VERSION,
        b"GET http://elsewhere.example:80/version?x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost:x\r\nX-A:\t b \r\nX-B:\r\nX-C: \xe9\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: nobody.example\r\n\r\n",
    ],
)
def test_ordinary_requests_are_served(served: Served, request_: bytes) -> None:
    assert served.send(request_).status == 200


def test_extensions_and_trailers_of_chunks_are_overlooked(served: Served) -> None:
    tail = b"1;name=value\r\n \r\n0\r\nX-Checksum: 1\r\n\r\n"
    first, second = both(served, chunked(served, "Transfer-Encoding: chunked", tail=tail))
    assert (first.status, second.status) == (200, 200)


def test_blank_lines_after_a_body_are_overlooked(served: Served) -> None:
    first, second = both(served, login(served) + b"\r\n\r\n")
    assert (first.status, second.status) == (200, 200)


def test_a_key_in_a_trailer_is_no_credential(served: Served) -> None:
    body = form(part("image_file", picture()))
    head = post(DETECT, b"", "Transfer-Encoding: chunked")
    tail = f"\r\n0\r\nx-api-key: {served.services.api_key}\r\n\r\n".encode()
    answer = served.send(head + f"{len(body):x}\r\n".encode() + body + tail)
    assert (answer.status, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("value", ["close", "Close", "close, TE", "TE,close"])
def test_close_is_echoed_and_honoured(served: Served, value: str) -> None:
    with served.connect() as connection:
        connection.sendall(VERSION.replace(b"Host: x", f"Host: x\r\nConnection: {value}".encode()))
        assert read_answer(connection).headers["connection"] == "close"
        assert is_closed(connection)


def test_pipelined_requests_are_answered_in_turn(served: Served) -> None:
    """Also after one that was refused early, and whose body was thrown away."""
    refused = post(DETECT, form(part("image_file", picture(size=400_000))))
    with served.connect() as connection:
        connection.sendall(VERSION + refused + VERSION + login(served))
        answers = []
        rest = connection.makefile("rb")
        for _ in range(4):
            status = int(rest.readline().split()[1])
            length = 0
            while (line := rest.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            rest.read(length)
            answers.append(status)
    assert answers == [200, 401, 200, 200]


def test_a_client_that_waits_may_send_or_keep_its_body(served: Served) -> None:
    body = form(part("image_file", picture()))
    request = post(DETECT, body, "Expect: 100-continue", key=served.services.api_key)
    head = request.removesuffix(body)
    with served.connect() as connection:
        connection.sendall(head)
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body + VERSION)
        assert read_answer(connection).status == 200
    with served.connect() as connection:
        connection.sendall(head.replace(b"x-api-key", b"x-nothing"))
        answer = read_answer(connection)
        assert is_closed(connection)
    assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_a_client_that_asks_and_does_not_wait_hears_why_it_is_refused(served: Served) -> None:
    body = form(part("image_file", picture(size=3_000_000)))
    with served.connect() as connection:
        head = post(DETECT, body, "Expect: 100-continue").removesuffix(body)
        connection.sendall(head)
        connection.recv(1, socket.MSG_PEEK)  # it is refused, and sends its body all the same
        connection.sendall(body)
        answer = read_answer(connection)
        assert is_closed(connection)
    assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_a_client_that_will_send_no_more_hears_the_answer(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(VERSION)
        connection.shutdown(socket.SHUT_WR)
        assert read_answer(connection).status == 200
        assert is_closed(connection)
    with served.connect() as connection:
        credentials = f"x-api-key: {served.services.api_key}\r\n"
        head = f"GET /v0/face/enrollment/list HTTP/1.1\r\nHost: x\r\n{credentials}\r\n"
        connection.sendall(head.encode())
        connection.shutdown(socket.SHUT_WR)
        assert read_answer(connection).status == 200
        assert is_closed(connection)


@pytest.mark.parametrize("beginning", [b"", b"GET /version HT", VERSION + b"GET"])
def test_a_client_that_ends_half_way_is_gone(served: Served, beginning: bytes) -> None:
    with served.connect() as connection:
        connection.sendall(beginning)
        if beginning.startswith(VERSION):
            assert read_answer(connection).status == 200
        connection.shutdown(socket.SHUT_WR)
        assert is_closed(connection)


def test_http_1_0_waits_for_nothing(served: Served) -> None:
    """Its client sends the body at once, and hears why it is refused."""
    request = post(
        DETECT, form(part("image_file", picture(size=5_000_000))), "Expect: 100-continue"
    )
    answer = served.send(request.replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    assert (answer.status, answer.headers["connection"]) == (401, "close")


@pytest.mark.parametrize("place", ["field", "fields", "target", "trailer"])
@pytest.mark.parametrize("pieces", [1, 50])
def test_a_head_or_trailer_over_64_kib_is_refused(served: Served, place: str, pieces: int) -> None:
    filling = b"a" * (64 * 1024)
    request = {
        "field": b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: " + filling + b"\r\n\r\n",
        "fields": b"GET /version HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 8192 + b"\r\n",
        "target": b"GET /" + filling + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        "trailer": chunked(
            served, "Transfer-Encoding: chunked", tail=b"0\r\nX-A: " + filling + b"\r\n\r\n"
        ),
    }[place]
    size = len(request) // pieces + 1
    with served.connect() as connection:
        for start in range(0, len(request), size):
            connection.sendall(request[start : start + size])
        answer = read_answer(connection)
        assert is_closed(connection)
    assert (answer.status, answer.json()["code"]) == (400, "invalid_parameter")
    assert "65536 bytes" in answer.json()["message"]


def test_a_head_of_almost_64_kib_is_read(served: Served) -> None:
    head = b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * (64 * 1024 - 100) + b"\r\n\r\n"
    assert served.send(head).status == 200


def test_a_client_that_still_sends_hears_why_its_head_is_refused(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(HEADS["a continued line"] + b"x" * 5_000_000)
        assert read_answer(connection).status == 400


# --- however it arrives ---

PLAIN = {
    "plain": VERSION,
    "blank lines before": b"\r\n\r\n" + VERSION,
    "a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n\r\n\r\na",
    "a large head": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 9000 + b"\r\n",
    "a head of one field too many": b"GET / HTTP/1.1\r\nHost: x\r\nA: "
    + b"a" * 65530
    + b"\r\n\r\n",
}
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\r\n\r\n"
PIECES = PLAIN | HEADS | {name: CHUNKED + tail for name, tail in TAILS.items()}
PIECES |= {"chunks": CHUNKED + b"0\r\n\r\n", "a trailer": CHUNKED + b"0\r\nX-A: b\r\n\r\n"}


def read_in(data: bytes, size: int) -> list[object]:
    """What a connection understands of ``data`` that arrives in pieces of that size."""
    connection, understood = StrictConnection(), list[object]()
    for start in range(0, len(data), size):
        connection.receive_data(data[start : start + size])
        try:
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                understood.append(event)
        except h11.RemoteProtocolError:
            return [*understood, "refused"]
    return understood


def told(events: list[object]) -> tuple[list[object], bytes]:
    body = b"".join(bytes(event.data) for event in events if isinstance(event, h11.Data))
    return [event for event in events if not isinstance(event, h11.Data)], body


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
@pytest.mark.parametrize("name", PIECES)
def test_pieces_change_nothing(name: str, size: int) -> None:
    whole, pieces = (told(read_in(PIECES[name], n)) for n in (len(PIECES[name]), size))
    assert pieces[0] == whole[0]
    assert "refused" in whole[0] or pieces[1] == whole[1]
