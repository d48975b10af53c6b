"""Who collects traces: OTLP over HTTP, as every collector understands it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

PATIENCE_S = 30.0


@dataclass(frozen=True)
class Span:
    """``attributes``: with those of the server that sent it."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    began_ns: int
    ended_ns: int
    failed: bool
    attributes: dict[str, object]


@dataclass
class Collector:
    """``status`` is what it answers; ``bodies``: as they came."""

    url: str = ""
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    @property
    def spans(self) -> list[Span]:
        return [span for body in list(self.bodies) for span in _spans(body)]

    def trace(self, trace_id: str) -> list[Span]:
        """All spans of a trace, as soon as its server's own is there, which is sent last."""
        deadline = time.monotonic() + PATIENCE_S
        with self.came:
            while True:
                found = [span for span in self.spans if span.trace_id == trace_id]
                if any(span.kind == _SERVER for span in found):
                    return sorted(found, key=lambda span: span.began_ns)
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"{len(self.spans)} spans came, and none of the trace"
                self.came.wait(left_s)


_SERVER = 2


def _spans(body: bytes) -> Iterator[Span]:
    for sender in ExportTraceServiceRequest.FromString(body).resource_spans:
        of_sender = {it.key: _value(it.value) for it in sender.resource.attributes}
        for scope in sender.scope_spans:
            for span in scope.spans:
                yield Span(
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    kind=span.kind,
                    began_ns=span.start_time_unix_nano,
                    ended_ns=span.end_time_unix_nano,
                    failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    attributes=of_sender | {it.key: _value(it.value) for it in span.attributes},
                )


def _value(given: AnyValue) -> object:
    kind = given.WhichOneof("value")
    return kind and getattr(given, kind)


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(collector.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            if self.path == "/v1/traces" and collector.status == 200:
                with collector.came:
                    collector.bodies.append(body)
                    collector.came.notify_all()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
