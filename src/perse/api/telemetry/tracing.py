"""Who is told of whole requests, where somebody collects traces. OpenTelemetry is known by ``otlp``
alone, which is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from perse.errors import SettingsInvalid
from perse.stages import Passage

if TYPE_CHECKING:
    from perse.api.telemetry.otlp import OtlpTracer

RawHeaders = Iterable[tuple[bytes, bytes]]


class Trace(Protocol):
    """One request, as it is told to whoever collects traces."""

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        ...

    @property
    def wanted(self) -> bool:
        """Whether it is among those that are told."""
        ...

    def end(self, facts: Mapping[str, object], passages: Sequence[Passage]) -> None:
        """``facts``: what the log says of the request."""
        ...


class Tracer(Protocol):
    """``made`` and ``delivered`` count spans. Close it to send what is waiting, in bounded time."""

    @property
    def made(self) -> int: ...
    @property
    def delivered(self) -> int: ...

    def begin(self, headers: RawHeaders) -> Trace:
        """A request begins now. It goes on with the trace that its headers name."""
        ...

    def close(self) -> None: ...


def check_traces(endpoint: str | None) -> None:
    """Raises SettingsInvalid when traces are asked for and cannot be made here."""
    if endpoint is not None:
        _otlp_tracer()


def open_tracer(endpoint: str | None, share: float, *, version: str, pack: str) -> Tracer | None:
    """None, and nothing is imported, without an ``endpoint``. ``share``: of requests whose senders
    have not decided about it. Raises SettingsInvalid."""
    if endpoint is None:
        return None
    return _otlp_tracer()(endpoint, share, version=version, pack=pack)


def _otlp_tracer() -> type[OtlpTracer]:
    try:
        from perse.api.telemetry.otlp import OtlpTracer  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise SettingsInvalid("PERSE_TRACES needs the extra: pip install 'perse[traces]'") from None
    return OtlpTracer
