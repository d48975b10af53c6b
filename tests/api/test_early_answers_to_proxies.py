"""A refusal that goes to a trusted proxy waits until the body has come; any other does not."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perse.api.server.unread_bodies import DrainBody
from perse.api.telemetry.exchange import begin_exchange

PROXY, STRANGER = "10.0.0.1", "192.0.2.1"


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("no", 503)(scope, receive, send)


async def accept(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("yes")(scope, receive, send)


def exchanged(peer: str, app: ASGIApp, **headers: str) -> list[str]:
    """In their order: pieces of the body that were read, and what was sent."""
    order = list[str]()
    pieces = iter([b"half", b""])

    async def receive() -> Message:
        piece = next(pieces)
        order.append("read")
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    async def send(message: Message) -> None:
        order.append(message["type"].removeprefix("http.response."))

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "http_version": "1.1",
        "client": (peer, 1),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }
    begin_exchange(scope)
    draining = DrainBody(app, proxies=(ip_network("10.0.0.0/8"),))
    asyncio.run(draining(scope, receive, send))
    return order


LENGTH = {"content-length": "4"}


def test_a_proxy_hears_a_refusal_behind_the_body() -> None:
    assert exchanged(PROXY, refuse, **LENGTH) == ["read", "read", "start", "body"]


def test_anybody_else_hears_it_at_once() -> None:
    assert exchanged(STRANGER, refuse, **LENGTH) == ["start", "body", "read", "read", "body"]


def test_an_answer_that_is_no_refusal_waits_for_nothing() -> None:
    assert exchanged(PROXY, accept, **LENGTH)[0] == "start"


@pytest.mark.parametrize(
    "headers", [{"transfer-encoding": "chunked"}, LENGTH | {"expect": "100-continue"}]
)
def test_a_body_that_may_never_end_is_not_waited_for(headers: dict[str, str]) -> None:
    assert exchanged(PROXY, refuse, **headers)[0] == "start"
