"""Conversations over WebSockets, with a client that is not ours and by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from perse.api.http.conversation import SocketLimits
from tests.fakes.services import FakeServices, settings
from tests.fakes.sockets import PATH, SUBPROTOCOL, TOKEN, echo
from tests.served import RawAnswer, Served, read_answer, serving
from tests.sockets import UPGRADE, close_code, closed_with, say, talking, upgrade


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(sockets=[echo(SocketLimits(messages_per_s=1000))]) as server:
        yield server


@pytest.fixture(scope="module")
def strict() -> Iterator[Served]:
    """Pages of others may not talk to it, but those of one shop."""
    with serving(
        FakeServices(settings(cors_origins="https://shop.example")), sockets=[echo()]
    ) as server:
        yield server


# --- talking ---


def test_json_and_bytes_are_heard_and_answered(served: Served) -> None:
    with talking(served.url) as talk:
        assert talk.subprotocol == SUBPROTOCOL
        say(talk, hello="wörld")
        assert json.loads(talk.recv())["hello"] == "wörld"
        talk.send(b"x" * 900_000)
        assert json.loads(talk.recv())["size"] == 900_000


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
def test_the_path_is_served_with_and_without_a_slash(served: Served, path: str) -> None:
    with talking(served.url, path=path) as talk:
        say(talk, a=1)
        assert json.loads(talk.recv())["a"] == 1


def test_the_handshake_is_that_of_the_standard(served: Served) -> None:
    """RFC 6455, 1.3: this key has this answer."""
    with served.connect() as connection:
        connection.sendall(upgrade())
        answer = read_answer(connection)
    assert answer.status == 101
    assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert answer.headers["sec-websocket-protocol"] == SUBPROTOCOL
    assert "sec-websocket-extensions" not in answer.headers
    assert answer.headers["x-request-id"]


def test_nothing_is_ever_inflated(served: Served) -> None:
    offered = upgrade(Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits")
    assert "sec-websocket-extensions" not in served.send(offered).headers
    with served.connect() as connection:
        connection.sendall(offered)
        assert read_answer(connection).status == 101
        connection.sendall(b"\xc1\x80" + b"\0\0\0\0")  # RSV1: "this message is compressed"
        assert close_code(connection) == 1002


def test_a_message_may_come_in_many_frames_with_pings_between(served: Served) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(10):
            yield b"x" * 100
            assert talk.ping().wait(10)

    with talking(served.url) as talk:
        talk.send(pieces())
        assert json.loads(talk.recv())["size"] == 1000


def test_it_ends_as_whoever_talks_wants(served: Served) -> None:
    with talking(served.url) as talk:
        say(talk, close=4321)
        assert closed_with(talk) == (4321, "as you like", [])
    with talking(served.url) as talk:
        say(talk, end=True)
        assert closed_with(talk) == (1000, "", [])


def test_a_client_that_closes_hears_its_own_code(served: Served) -> None:
    with talking(served.url) as talk:
        say(talk, a=1)
        talk.recv()
        talk.close(4000, "enough")
        assert (talk.close_code, talk.close_reason) == (4000, "enough")


def test_a_fault_is_named_by_its_request_and_nothing_else(served: Served) -> None:
    with talking(served.url) as talk:
        say(talk, **{"break": True})
        code, reason, (problem,) = closed_with(talk)
        assert talk.response is not None
        named = talk.response.headers["x-request-id"]
    assert (code, reason) == (1011, "internal_error")
    assert (problem["code"], problem["request_id"]) == ("internal_error", named)


@pytest.mark.parametrize(
    ("sent", "code"),
    [("no json", 1007), ("[1]", 1007), ("[" * 4000, 1007), (" " * 5000, 1009)],
)
def test_what_is_no_json_object_is_refused_with_a_reason(
    served: Served, sent: str, code: int
) -> None:
    with talking(served.url) as talk:
        talk.send(sent)
        closed, reason, (problem,) = closed_with(talk)
    assert closed == code
    assert problem["code"] == reason
    assert problem["status"] == 400
    assert "message" in str(problem["message"])


def test_the_document_lists_it(served: Served) -> None:
    listed = httpx.get(f"{served.url}/openapi.json").json()["x-websockets"][PATH]
    assert listed["subprotocol"] == SUBPROTOCOL
    assert listed["summary"]
    assert {"unauthorized", "overloaded", "internal_error"} <= set(listed["errors"])


# --- who may ---


def test_a_wrong_token_is_refused_before_anything_is_taken_up(served: Served) -> None:
    for protocols in ([SUBPROTOCOL], [SUBPROTOCOL, "token.guessed"]):
        with pytest.raises(InvalidStatus) as refused:
            talking(served.url, *protocols)
        assert refused.value.response.status_code == 401
        assert b'"unauthorized"' in (refused.value.response.body or b"")


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"Upgrade": ""}, 426, "Upgrade"),
        ({"Upgrade": "h2c"}, 426, "Upgrade"),
        ({"Connection": "close"}, 426, "Upgrade"),
        ({"Sec-WebSocket-Version": "8"}, 426, "13"),
        ({"Sec-WebSocket-Version": ""}, 426, "13"),
        ({"version": "1.0"}, 426, "HTTP/1.1"),
        ({"method": "POST"}, 405, "GET"),
        ({"Sec-WebSocket-Key": ""}, 400, "Key"),
        ({"Sec-WebSocket-Key": "c2hvcnQ="}, 400, "Key"),
        ({"Sec-WebSocket-Key": "not base64!"}, 400, "Key"),
        ({"Sec-WebSocket-Protocol": ""}, 400, SUBPROTOCOL),
        ({"Sec-WebSocket-Protocol": "perse.echo.v2"}, 400, SUBPROTOCOL),
        ({"Sec-WebSocket-Protocol": f"{SUBPROTOCOL}, token.a, token.b"}, 400, "token"),
        ({"Content-Length": "3"}, 400, "body"),
    ],
    ids=str,
)
def test_another_request_is_answered_as_http(
    served: Served, changes: dict[str, str], status: int, says: str
) -> None:
    answer = served.send(upgrade(**changes) + b"abc" * ("Content-Length" in changes))
    assert answer.status == answer.json()["status"] == status
    assert says in answer.json()["message"]
    if status == 426:
        assert answer.headers["upgrade"] == "websocket"
        assert answer.headers["sec-websocket-version"] == "13"


def test_an_upgrade_elsewhere_is_answered_as_if_it_were_not_offered(served: Served) -> None:
    assert served.send(upgrade("/version")).status == 200
    assert served.send(upgrade("/nowhere")).status == 404
    assert served.send(upgrade(f"{PATH}%0a")).status == 400


def test_a_refused_client_may_ask_again_on_the_same_connection(served: Served) -> None:
    with served.connect() as connection:
        for key, status in (("", 400), (UPGRADE["Sec-WebSocket-Key"], 101)):
            connection.sendall(upgrade(Sec_WebSocket_Key=key))
            assert read_answer(connection).status == status


def test_a_page_of_another_origin_is_refused(strict: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        talking(strict.url, origin="https://evil.example")
    assert refused.value.response.status_code == 403
    assert b'"origin_not_allowed"' in (refused.value.response.body or b"")
    for origin in ("https://shop.example", strict.url, None):
        with talking(strict.url, origin=origin) as talk:
            say(talk, a=1)
            assert json.loads(talk.recv())["origin"] == origin


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("perse.test", "https://perse.test", 101),
        ("perse.test:443", "https://perse.test", 101),
        ("perse.test", "http://PERSE.test:80", 101),
        ("[::1]:8080", "http://[::1]:8080", 101),
        ("perse.test", "http://perse.test:8080", 403),
        ("perse.test", "http://perse.test.evil", 403),
        ("perse.test", "null", 403),
        ("perse.test", "file://", 403),
        ("perse.test", "http://perse.test:99999", 403),
        ("perse.test", "http://[", 403),
    ],
)
def test_the_server_s_own_pages_may(strict: Served, host: str, origin: str, status: int) -> None:
    assert strict.send(upgrade(Host=host, Origin=origin)).status == status


# --- how many ---


def refused(served: Served, *protocols: str) -> RawAnswer:
    offered = ", ".join(protocols) or UPGRADE["Sec-WebSocket-Protocol"]
    return served.send(upgrade(Sec_WebSocket_Protocol=offered))


def test_a_party_has_only_so_many_at_a_time() -> None:
    with serving(sockets=[echo(SocketLimits(per_party=2, in_all=3))]) as served:
        with ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(talking(served.url))
            answer = refused(served)
            assert (answer.status, answer.json()["code"]) == (429, "rate_limited")
            assert answer.headers["retry-after"] == "1"
            other = [SUBPROTOCOL, f"token.{TOKEN}.somebody-else"]
            stack.enter_context(talking(served.url, *other))
            answer = refused(served, *other)
            assert (answer.status, answer.json()["code"]) == (503, "overloaded")
            assert counted(served, "perse_conversations") == 3
        with talking(served.url) as talk:
            say(talk, a=1)
            assert json.loads(talk.recv())["a"] == 1


def counted(served: Served, name: str) -> float:
    text = httpx.get(f"{served.url}/metrics").text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_conversations_are_counted_and_their_length_is_no_answer_s_time() -> None:
    with serving(sockets=[echo()]) as served:
        with talking(served.url) as talk:
            say(talk, close=4999)
            closed_with(talk)
        assert counted(served, 'perse_conversations_ended_total{close_code="other"}') == 1
        labels = f'method="GET",route="{PATH}",status="101"'
        assert counted(served, f"perse_http_requests_total{{{labels}}}") == 1
        assert counted(served, f'perse_http_request_seconds_count{{route="{PATH}"}}') == 0
