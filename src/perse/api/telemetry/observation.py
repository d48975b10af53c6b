"""Outermost but two: request ids, one log line and the metrics of every exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perse.api.telemetry.exchange import Exchange, begin_exchange
from perse.api.telemetry.hearing import Hearing
from perse.api.telemetry.metrics import METHODS, OTHER_METHOD, Metrics
from perse.api.telemetry.tracing import Tracer
from perse.stages import heard_by

REQUEST_ID_HEADER = "X-Request-ID"
SERVER_TIMING_HEADER = "Server-Timing"
_CLIENT_LEFT = 499
_ANSWERED = range(200, 300)


@dataclass(frozen=True, slots=True)
class Observe:
    """ASGI middleware. ``log`` is a structlog logger that sees no body, path or address;
    ``tracer`` None: nobody collects traces; ``tells_timing``: answers say what took how long."""

    app: ASGIApp
    metrics: Metrics
    log: Any
    tracer: Tracer | None = None
    tells_timing: bool = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        trace = self.tracer.begin(scope["headers"]) if self.tracer else None
        exchange = begin_exchange(scope, Hearing(self.metrics.stages.passed, trace))
        record = partial(self._record, exchange, scope["method"])
        try:
            with self.metrics.in_flight.track_inprogress(), heard_by(exchange.hearing):
                await self.app(scope, *self._counting(exchange, receive, send, record))
            if not exchange.answered:
                raise ClientDisconnect
        except ClientDisconnect:
            exchange.code, exchange.status = "client_left", _CLIENT_LEFT
        finally:
            if not exchange.answered:
                record()

    def _record(self, exchange: Exchange, method: str) -> None:
        status = exchange.status or _CLIENT_LEFT
        elapsed_s = exchange.elapsed_s()
        self.metrics.observe(
            method, exchange.route, status=status, elapsed_s=elapsed_s, code=exchange.code
        )
        hearing, trace = exchange.hearing, exchange.hearing.trace
        facts = {
            "request_id": exchange.request_id,
            "trace_id": trace.trace_id if trace else None,
            "method": method if method in METHODS else OTHER_METHOD,
            "route": exchange.route,
            "status": status,
            "code": exchange.code,
            "close_code": exchange.close_code,
            "ms": round(elapsed_s * 1000, 2),
            "bytes_in": exchange.bytes_in,
            "bytes_out": exchange.bytes_out,
            "key_id": exchange.key_id,
        }
        told = {name: fact for name, fact in facts.items() if fact is not None}
        self.log.info("request", **told)
        if trace:
            trace.end(told, hearing.passages)

    def _counting(
        self, exchange: Exchange, receive: Receive, send: Send, record: Callable[[], None]
    ) -> tuple[Receive, Send]:
        """Both, watched. Recorded before its last byte leaves: who has an answer finds it
        counted."""

        async def counted_receive() -> Message:
            message = await receive()
            exchange.bytes_in += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._head(exchange, message)
            exchange.bytes_out += len(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                exchange.answered = True
                record()
            await send(message)

        return counted_receive, counted_send

    def _head(self, exchange: Exchange, message: Message) -> None:
        """Whoever is known and answered may know what took how long; of a refusal, nobody."""
        exchange.status = message["status"]
        headers = MutableHeaders(scope=message)
        headers[REQUEST_ID_HEADER] = exchange.request_id
        known = exchange.key_id is not None and exchange.code is None
        if self.tells_timing and known and exchange.status in _ANSWERED:
            timing = exchange.hearing.server_timing(exchange.elapsed_s())
            if timing is not None:
                headers[SERVER_TIMING_HEADER] = timing
