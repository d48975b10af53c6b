"""What operators and their machines ask. None of it needs to know who calls."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from starlette.responses import Response

from perse import __version__
from perse.api.http.answers import Answer
from perse.api.http.calls import Call
from perse.api.http.operations import AnswerCall, Operation
from perse.errors import Overloaded

_PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_OK = 200


class LiveAnswer(Answer):
    live: Literal[True] = True
    status: int = _OK


class ReadyAnswer(Answer):
    ready: Literal[True] = True
    status: int = _OK


class VersionAnswer(Answer):
    version: str
    pack: str = Field(description="The pack of networks in use.")
    models: dict[str, str] = Field(description="Role -> network that fills it.")
    status: int = _OK


class JwksAnswer(Answer):
    """RFC 7517."""

    keys: list[dict[str, Any]]


async def live(_: Call) -> LiveAnswer:
    """The process answers."""
    return LiveAnswer()


async def ready(call: Call) -> ReadyAnswer:
    """Every network has run once, and the end has not begun."""
    if not call.workplace.readiness.ready:
        raise Overloaded("not ready: starting up or shutting down")
    return ReadyAnswer()


async def version(call: Call) -> VersionAnswer:
    """Which perse this is, and with which networks."""
    services = call.services
    return VersionAnswer(version=__version__, pack=services.pack, models=dict(services.models))


async def metrics(call: Call) -> Response:
    """Everything counted since the start."""
    return Response(call.workplace.metrics.text(), media_type=_PROMETHEUS_TEXT)


async def jwks(call: Call) -> JwksAnswer:
    """The public keys of session tokens."""
    return JwksAnswer(**call.services.authenticator.public_jwks())


def _operation(
    path: str, answer: AnswerCall, success: type[Answer] | None, summary: str
) -> Operation:
    return Operation(
        "GET",
        path,
        answer,
        success,
        summary=summary,
        tag="system",
        processes=None,
        needs=None,
    )


OPERATIONS = (
    _operation("/health/live", live, LiveAnswer, "Is the process alive?"),
    _operation("/health/ready", ready, ReadyAnswer, "Is the server ready for requests?"),
    _operation("/version", version, VersionAnswer, "Version, pack and networks"),
    _operation("/metrics", metrics, None, "Metrics for Prometheus"),
    _operation("/.well-known/jwks.json", jwks, JwksAnswer, "Public keys of session tokens"),
)
