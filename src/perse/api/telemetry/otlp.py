"""Requests as spans of OpenTelemetry, sent by OTLP over HTTP. The only module that knows either.

A span is made when its request has ended, and put into a queue that drops what it has no room for;
one thread sends. So a collector that is slow or gone costs a request nothing. What a span may say
is the closed set below: routes, never paths, and nothing that somebody sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import uuid4

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from perse.api.telemetry.tracing import RawHeaders
from perse.stages import Passage

_ATTRIBUTES: Final = {
    "request_id": "perse.request_id",
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "code": "error.type",
    "close_code": "perse.close_code",
    "bytes_in": "http.request.body.size",
    "bytes_out": "http.response.body.size",
}
# And not `tracestate`: that is text of whoever asks.
_CONTEXT: Final = frozenset({b"traceparent"})
_PATH: Final = "/v1/traces"
_LONGEST_STATEMENT: Final = 1000
_WAITING, _AT_ONCE, _EVERY_MS = 4096, 256, 1000
_SEND_S, _CLOSE_S = 5.0, 3.0
_FAULT = 500
_W3C = TraceContextTextMapPropagator()
_IDS = RandomIdGenerator()


class OtlpTracer:
    """Made in the process that uses it. Satisfies Tracer."""

    def __init__(
        self, endpoint: str, share: float, *, version: str, pack: str, close_s: float = _CLOSE_S
    ) -> None:
        """``endpoint``: a collector's address; without a path, the path that collectors have.
        ``close_s``: the longest that closing takes."""
        self._close_s = close_s
        url = endpoint if endpoint.count("/") > 2 else f"{endpoint}{_PATH}"
        self._delivery = _Delivery(OTLPSpanExporter(url, timeout=_SEND_S))
        self._queue = BatchSpanProcessor(
            self._delivery,
            max_queue_size=_WAITING,
            max_export_batch_size=_AT_ONCE,
            schedule_delay_millis=_EVERY_MS,
        )
        self._resource = Resource.create(
            {
                "service.name": "perse",
                "service.version": version,
                "service.instance.id": str(uuid4()),
                "perse.pack": pack,
            }
        )
        self._provider = TracerProvider(
            resource=self._resource,
            sampler=ParentBased(TraceIdRatioBased(share)),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(self._queue)
        self._tracer = self._provider.get_tracer("perse", version)
        self._scope = InstrumentationScope("perse", version)
        self._counting = threading.Lock()
        self.made = 0

    @property
    def delivered(self) -> int:
        return self._delivery.delivered

    def begin(self, headers: RawHeaders) -> OtlpTrace:
        carrier = {
            name.decode(): value.decode("latin-1") for name, value in headers if name in _CONTEXT
        }
        span = self._tracer.start_span(
            "request", _W3C.extract(carrier, Context()), api.SpanKind.SERVER
        )
        return OtlpTrace(self, span)

    def tell(self, passage: Passage, parent: api.SpanContext, offset_ns: int) -> api.SpanContext:
        """As a span within another one; its own context."""
        context = api.SpanContext(
            parent.trace_id, _IDS.generate_span_id(), is_remote=False,
            trace_flags=parent.trace_flags, trace_state=parent.trace_state,
        )  # fmt: skip
        detail = passage.detail
        self._queue.on_end(
            ReadableSpan(
                # Of a statement its first word: what else is in it stands in its attribute.
                name=detail.split(maxsplit=1)[0] if detail else passage.stage.value,
                context=context,
                parent=parent,
                resource=self._resource,
                attributes={"db.query.text": detail[:_LONGEST_STATEMENT]} if detail else None,
                kind=api.SpanKind.CLIENT if detail else api.SpanKind.INTERNAL,
                start_time=int(passage.began_s * 1e9) + offset_ns,
                end_time=int(passage.ended_s * 1e9) + offset_ns,
                instrumentation_scope=self._scope,
            )
        )
        return context

    def count(self, spans: int) -> None:
        with self._counting:
            self.made += spans

    def close(self) -> None:
        """Send what is waiting, as far as there is time."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(self._close_s)


class OtlpTrace:
    """Satisfies Trace."""

    def __init__(self, tracer: OtlpTracer, span: api.Span) -> None:
        self._tracer, self._span = tracer, span
        # Passages are timed by a clock that has no date.
        self._offset_ns = time.time_ns() - time.perf_counter_ns()

    @property
    def trace_id(self) -> str:
        return api.format_trace_id(self._span.get_span_context().trace_id)

    @property
    def wanted(self) -> bool:
        return self._span.is_recording()

    def end(self, facts: Mapping[str, object], passages: Sequence[Passage]) -> None:
        if not self.wanted:
            return
        span = self._span
        span.update_name(f"{facts['method']} {facts['route']}")
        span.set_attributes(
            {
                attribute: fact
                for name, attribute in _ATTRIBUTES.items()
                if isinstance(fact := facts.get(name), str | int)
            }
        )
        if int(str(facts["status"])) >= _FAULT:
            span.set_status(api.StatusCode.ERROR)
        self._tell(passages)
        span.end()
        self._tracer.count(1 + len(passages))

    def _tell(self, passages: Sequence[Passage]) -> None:
        """Each within the one that it was a part of, which has ended later and begun before."""
        whole = self._span.get_span_context()
        spans: dict[Passage | None, api.SpanContext] = {}
        for it in sorted(passages, key=lambda passage: passage.began_s):
            spans[it] = self._tracer.tell(it, spans.get(it.within, whole), self._offset_ns)


class _Delivery(SpanExporter):
    """Counts what arrives."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.delivered = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.delivered += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
