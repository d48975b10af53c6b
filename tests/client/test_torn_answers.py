"""Proxies' pages, half documents, nothing at all: an error that says so, never a wrong answer."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from perse.api.v0.examples import COMPARE, DETECT, LOGIN
from perse_client import AsyncClient, Client, Patience, errors
from perse_client.operations.faces import Detection

AT_ONCE = Patience(tries=2, first_wait_s=0)
PAGE = "<html><title>Sign in to the guests' network</title></html>"
Handler = Callable[[httpx.Request], httpx.Response]


def answering(answer: Handler) -> httpx.MockTransport:
    """A server that lets everybody in and answers so."""

    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=LOGIN) if is_login(request) else answer(request)

    return httpx.MockTransport(handle)


def is_login(request: httpx.Request) -> bool:
    return request.url.path.endswith("/v0/login")


def detected(answer: Handler, *, awaiting: bool = False) -> Detection:
    """What a client makes of it."""
    transport = answering(answer)
    if awaiting:
        return asyncio.run(_detected(transport))
    with Client("http://perse.test", "key", patience=AT_ONCE, transport=transport) as client:
        return client.detect_faces(b"picture")


async def _detected(transport: httpx.MockTransport) -> Detection:
    async with AsyncClient(
        "http://perse.test", "key", patience=AT_ONCE, transport=transport
    ) as client:
        return await client.detect_faces(b"picture")


def without(document: dict[str, Any], *path: str) -> dict[str, Any]:
    """The document without the key to which the path leads."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    inner: Any = copy
    for key in path[:-1]:
        inner = inner[int(key) if key.isdecimal() else key]
    del inner[path[-1]]
    return copy


A_FACE = DETECT["faces"][0]
TORN: dict[str, tuple[object, str]] = {
    "a page": (PAGE, "no JSON"),
    "half a document": (json.dumps(DETECT)[:200], "no JSON"),
    "nothing": ("", "no JSON"),
    "no text": (b"\xff\xfe\xff", "no JSON"),
    "too deep": ("[" * 100_000, "no JSON"),
    "a list": ([], "dict expected"),
    "null": ("null", "dict expected"),
    "a key less": (without(DETECT, "models"), "models is missing"),
    "a key less, deep inside": (
        without(DETECT, "faces", "0", "pose", "yaw"),
        "faces: 0: pose: yaw is missing",
    ),
    "text for a number": ({**DETECT, "total_faces": "1"}, "total_faces: int expected"),
    "true for a number": ({**DETECT, "time_taken": True}, "time_taken: float expected"),
    "no number": ({**DETECT, "time_taken": float("nan")}, "time_taken: finite number expected"),
    "a number without end": ({**DETECT, "time_taken": 10**400}, "time_taken: finite number"),
    "a box of three": (
        {**DETECT, "faces": [{**A_FACE, "bounding_box": [1, 2, 3]}]},
        "bounding_box",
    ),
}


@pytest.mark.parametrize("awaiting", [False, True], ids=["blocking", "awaiting"])
@pytest.mark.parametrize("name", TORN)
def test_a_torn_success_is_an_error_that_says_what_is_wrong(name: str, awaiting: bool) -> None:
    body, reason = TORN[name]
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    with pytest.raises(errors.AnswerUnreadable, match=reason) as raised:
        detected(lambda _: httpx.Response(200, content=content), awaiting=awaiting)
    assert raised.value.status == 200
    assert "guests" not in str(raised.value)


def test_unknown_keys_are_ignored_and_absent_optional_ones_are_none() -> None:
    face = {**without(DETECT, "faces", "0", "liveness_score")["faces"][0], "age": 44}
    document = {**DETECT, "faces": [face], "weather": {"is": "fine"}}
    found = detected(lambda _: httpx.Response(200, json=document))
    assert found.faces[0].liveness_score is None
    assert found.faces[0].pose.yaw == 31.0
    assert found.faces[0].verdicts["rotation"].guidance == "Look straight into the camera."


def test_an_answer_is_frozen() -> None:
    found = detected(lambda _: httpx.Response(200, json=DETECT))
    with pytest.raises(AttributeError):
        found.total_faces = 0  # type: ignore[misc]


@pytest.mark.parametrize(
    "status", [400, 401, 404, 409, 412, 413, 418, 422, 429, 500, 502, 503, 504]
)
@pytest.mark.parametrize("body", [PAGE, "", "[]", "null", '{"code": 7, "message": null}', "{"])
def test_a_refusal_that_is_not_of_perse_goes_by_its_status(status: int, body: str) -> None:
    with pytest.raises(errors.PerseError) as raised:
        detected(lambda _: httpx.Response(status, text=body))
    assert type(raised.value) is errors.class_of(None, status)
    assert raised.value.status == status
    assert "guests" not in str(raised.value)


NEAREST = {
    400: errors.RequestError,
    401: errors.Unauthorized,
    404: errors.NotFound,
    413: errors.RequestError,
    422: errors.SampleError,
    429: errors.RateLimited,
    500: errors.ServerError,
    502: errors.TryLater,
    503: errors.TryLater,
    507: errors.ServerError,
}


@pytest.mark.parametrize("status", NEAREST)
def test_a_code_of_tomorrow_is_its_nearest_parent(status: int) -> None:
    problem = {"code": "of_tomorrow", "message": "Do this.", "status": status, "request_id": "r-1"}
    with pytest.raises(errors.PerseError) as raised:
        detected(lambda _: httpx.Response(status, json=problem))
    assert type(raised.value) is NEAREST[status]
    assert (raised.value.code, raised.value.message) == ("of_tomorrow", "Do this.")
    assert raised.value.request_id == "r-1"


@pytest.mark.parametrize("status", [301, 302, 307, 204])
def test_the_client_follows_nobody_elsewhere(status: int) -> None:
    asked = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(status, headers={"Location": "http://elsewhere.test/"})

    with pytest.raises(errors.ServerError) as raised:
        detected(handle)
    assert raised.value.status == status
    assert set(asked) == {"perse.test"}


@pytest.mark.parametrize("awaiting", [False, True], ids=["blocking", "awaiting"])
@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("too slow"),
        httpx.RemoteProtocolError("peer closed connection"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_line_that_breaks_is_tried_again_and_then_told(
    error: httpx.TransportError, awaiting: bool
) -> None:
    tried = []

    def handle(request: httpx.Request) -> httpx.Response:
        tried.append(request.url.path)
        raise error

    with pytest.raises(errors.Unreachable, match=str(error)) as raised:
        detected(handle, awaiting=awaiting)
    assert tried == ["/v0/face/detect"] * 2
    assert raised.value.__cause__ is error
    assert raised.value.status is None


def test_a_body_that_does_not_unpack_is_told() -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        torn = gzip.compress(json.dumps(DETECT).encode())[:50]
        return httpx.Response(200, content=torn[10:], headers={"Content-Encoding": "gzip"})

    with pytest.raises(errors.Unreachable, match="DecodingError"):
        detected(handle)


def test_a_login_that_answers_nonsense_is_told() -> None:
    page = httpx.MockTransport(lambda _: httpx.Response(200, html=PAGE))
    with (
        Client("http://perse.test", "key", transport=page) as client,
        pytest.raises(errors.AnswerUnreadable, match="/v0/login"),
    ):
        client.compare_faces(b"a", b"b")


def test_a_client_goes_on_after_an_error() -> None:
    replies = iter([httpx.Response(200, html=PAGE), httpx.Response(200, json=COMPARE)])
    transport = answering(lambda _: next(replies))
    with Client("http://perse.test", "key", transport=transport) as client:
        with pytest.raises(errors.AnswerUnreadable):
            client.compare_faces(b"a", b"b")
        assert client.compare_faces(b"a", b"b").is_match
