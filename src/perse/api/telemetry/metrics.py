"""What Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from perse.api.telemetry.board import Board
from perse.api.telemetry.stage_times import StageTimes
from perse.api.telemetry.totals import Totals

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "other"
CLOSE_CODES = range(1000, 1016)
OTHER_CODE = "other"
_SWITCHED = 101
_SECONDS = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class _Counted(Collector):
    name: str
    description: str
    read: Callable[[], float]

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(self.name, self.description, value=self.read())


@dataclass(frozen=True, slots=True)
class Counted:
    """Counters and gauges at one moment, by the names that Prometheus reads."""

    samples: Sequence[Sample]

    def total(self, name: str) -> int:
        """0 for what nobody counts."""
        return round(sum(it.value for it in self.samples if it.name == name))

    def by(self, name: str, label: str) -> dict[str, int]:
        """By one of its labels, the others added up."""
        found: dict[str, float] = {}
        for it in self.samples:
            if it.name == name:
                found[it.labels[label]] = found.get(it.labels[label], 0.0) + it.value
        return {value: round(count) for value, count in sorted(found.items())}


class Metrics:
    """One app's metrics, or with a board those of all processes on it. Labels come from closed
    sets, so a scanner cannot grow them."""

    def __init__(self, board: Board | None = None) -> None:
        self.registry = CollectorRegistry()
        self._totals = Totals(self.registry, board) if board else None
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = self._counter(
            "perse_http_requests", "Requests answered.", "method", "route", "status"
        )
        self._seconds = Histogram(
            "perse_http_request_seconds",
            "Seconds from the request's head to its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.stages = StageTimes()
        self.registry.register(self.stages)
        self.in_flight = Gauge(
            "perse_http_requests_in_flight", "Requests being answered.", registry=self.registry
        )
        self._ended = self._counter(
            "perse_connections_ended", "Connections that the server refused or gave up.", "reason"
        )
        self._talked = self._counter(
            "perse_conversations_ended",
            "Conversations over WebSockets that have ended, by their close code.",
            "close_code",
        )
        self._refused = self._counter(
            "perse_work_refused",
            "Requests refused for want of room, by the door and the cause.",
            *("door", "cause"),
        )
        self._over_quota = self._counter(
            "perse_quota_refusals", "Requests refused because a tenant's quota is used.", "quota"
        )
        self._errors = self._counter("perse_http_errors", "Errors answered.", "code")

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(name, description, labels, registry=self.registry)

    def refuse(self, door: str, cause: str) -> None:
        """Count one request for which there was no room."""
        self._refused.labels(door, cause).inc()

    def refuse_over(self, quota: str) -> None:
        """Count one request of a tenant that has used that quota."""
        self._over_quota.labels(quota).inc()

    def observe(
        self, method: str, route: str, *, status: int, elapsed_s: float, code: str | None = None
    ) -> None:
        """Count one answered request. ``code``: of its error, where it is one. How long a
        conversation lasts says nothing of answers."""
        known = method if method in METHODS else OTHER_METHOD
        self._requests.labels(known, route, str(status)).inc()
        if status != _SWITCHED:
            self._seconds.labels(route).observe(elapsed_s)
        if code is not None:
            self._errors.labels(code).inc()

    def connection_ended(self, reason: str) -> None:
        """Count a connection that the server refused or gave up; reasons are a closed set."""
        self._ended.labels(reason).inc()

    def conversation_ended(self, close_code: int) -> None:
        """Count a conversation; clients may close with any of thousands of codes."""
        known = str(close_code) if close_code in CLOSE_CODES else OTHER_CODE
        self._talked.labels(known).inc()

    def watch(self, name: str, description: str, read: Callable[[], float]) -> None:
        """A gauge that is read when it is asked for."""
        Gauge(name, description, registry=self.registry).set_function(read)

    def count(self, name: str, description: str, read: Callable[[], float]) -> None:
        """A counter that somebody else keeps, read when it is asked for."""
        self.registry.register(_Counted(name, description, read))

    def describe(self, version: str, pack: str, models: Mapping[str, str]) -> None:
        """Which perse this is, and which network fills each role."""
        Info("perse", "The running perse.", registry=self.registry).info(
            {"version": version, "pack": pack}
        )
        roles = Gauge("perse_model", "Network in use.", ("role", "model"), registry=self.registry)
        for role, model in models.items():
            roles.labels(role, model).set(1)

    def post(self) -> None:
        """Let the other processes know, where there are any."""
        if self._totals:
            self._totals.post()

    def counted(self) -> Counted:
        """Everything that was counted, as numbers."""
        self.post()
        return Counted(
            [it for metric in (self._totals or self.registry).collect() for it in metric.samples]
        )

    def text(self) -> bytes:
        """Everything that was counted, in Prometheus' words."""
        self.post()
        return generate_latest(self._totals or self.registry)
