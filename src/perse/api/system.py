"""What operators and their machines ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import request_response
from starlette.types import ASGIApp

from perse import __version__
from perse.api.metrics import Metrics
from perse.api.problems import problem_response
from perse.api.services import Services
from perse.errors import Overloaded

_PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Readiness:
    """False until every network has run once, and again when the server is about to end."""

    ready: bool = False


def system_endpoints(
    services: Services, metrics: Metrics, readiness: Readiness
) -> dict[str, dict[str, ASGIApp]]:
    """Path -> method -> endpoint. None of them asks who calls."""
    answers: dict[str, Callable[[], Response]] = {
        "/health/live": lambda: _ok({"live": True}),
        "/health/ready": lambda: _readiness(readiness),
        "/version": lambda: _version(services),
        "/metrics": lambda: Response(metrics.text(), media_type=_PROMETHEUS_TEXT),
        "/.well-known/jwks.json": lambda: JSONResponse(
            services.authenticator.public_jwks(), headers={"Cache-Control": "public, max-age=300"}
        ),
    }
    return {path: {"GET": endpoint(answer)} for path, answer in answers.items()}


def endpoint(answer: Callable[[], Response]) -> ASGIApp:
    """An endpoint whose answer depends on nothing in the request."""

    async def respond(_: Request) -> Response:
        return answer()

    return request_response(respond)


def _ok(body: Mapping[str, object]) -> Response:
    return JSONResponse({**body, "status": 200})


def _readiness(readiness: Readiness) -> Response:
    if readiness.ready:
        return _ok({"ready": True})
    return problem_response(Overloaded("not ready: starting up or shutting down"))


def _version(services: Services) -> Response:
    return _ok({"version": __version__, "pack": services.pack, "models": dict(services.models)})
