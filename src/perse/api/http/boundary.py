"""Every error leaves in the one shape, and every answer with the headers that keep it safe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perse.api.http.problems import in_words_of, internal_response, problem_response, status_of
from perse.api.telemetry.exchange import exchange_of
from perse.api.telemetry.metrics import Metrics
from perse.errors import PerseError, QuotaExceeded

SAFE_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
ALLOWED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALLOWED_HEADERS = (
    "Accept",
    "Authorization",
    "Cache-Control",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "X-API-Key",
    "X-Request-ID",
    "X-Requested-With",
)
EXPOSED_HEADERS = ("ETag", "Retry-After", "Server-Timing", "X-Request-ID", "WWW-Authenticate")
_PREFLIGHT_LIFETIME_S = 600


@dataclass(frozen=True, slots=True)
class AnswerErrors:
    """ASGI middleware, the innermost: no exception passes it but a client's departure."""

    app: ASGIApp
    log: Any
    metrics: Metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            raise
        except Exception as error:
            await self._response_to(error, scope)(scope, receive, send)

    def _response_to(self, error: Exception, scope: Scope) -> Response:
        exchange = exchange_of(scope)
        if isinstance(error, QuotaExceeded):
            self.metrics.refuse_over(error.quota)
        if isinstance(error, PerseError) and status_of(type(error)) != 500:
            error = in_words_of(exchange.route, error)
            exchange.code = error.code
            return problem_response(error)
        exchange.code = PerseError.code
        self.log.error("fault", request_id=exchange.request_id, exc_info=error)
        return internal_response(exchange.request_id)


@dataclass(frozen=True, slots=True)
class SafeHeaders:
    """ASGI middleware: an answer that says nothing else gets the strictest headers."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_safely)


class Cors(CORSMiddleware):
    """Starlette's, without refusals: what is not allowed is left out of the answer to a preflight.

    A browser that misses its origin, method or header there goes no further, and says which it
    missed; an answer that it may not read would tell its user nothing.
    """

    def __init__(
        self, app: ASGIApp, origins: tuple[str, ...], further_headers: tuple[str, ...]
    ) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=ALLOWED_METHODS,
            allow_headers=(*ALLOWED_HEADERS, *further_headers),
            expose_headers=EXPOSED_HEADERS,
            max_age=_PREFLIGHT_LIFETIME_S,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        kept = {k: v for k, v in response.headers.items() if not k.startswith("content-")}
        return PlainTextResponse("OK", headers=kept)
