"""What is known about one request while it is answered; the log line and the metrics say it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from starlette.types import Scope

from perse.api.telemetry.hearing import Hearing
from perse.domain.access import KeyId

_SCOPE_KEY = "perse.exchange"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
UNMATCHED_ROUTE = "unmatched"


@dataclass(slots=True)
class Exchange:
    """``route`` is the template of the path, never the path: a path may name a person.
    ``hearing``: of its stages. ``close_code``: how a conversation ended. ``paid_s``: what its party
    has been charged for what it carries."""

    request_id: str
    hearing: Hearing
    started_s: float = field(default_factory=time.perf_counter)
    route: str = UNMATCHED_ROUTE
    party: str = ""
    key_id: KeyId | None = None
    code: str | None = None
    status: int | None = None
    close_code: int | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    paid_s: float = 0.0
    answered: bool = False  # up to its last byte

    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started_s


def begin_exchange(scope: Scope, hearing: Hearing | None = None) -> Exchange:
    """A new exchange, named by the client's X-Request-ID where that is short and harmless."""
    given = _header(scope, b"x-request-id")
    request_id = given if _SANE_ID.fullmatch(given) else uuid4().hex
    exchange = scope[_SCOPE_KEY] = Exchange(request_id, hearing or Hearing())
    return exchange


def exchange_of(scope: Scope) -> Exchange:
    """The exchange of a request that passed ``begin_exchange``."""
    exchange: Exchange = scope[_SCOPE_KEY]
    return exchange


def _header(scope: Mapping[str, object], name: bytes) -> str:
    headers = scope["headers"]
    assert isinstance(headers, list)  # noqa: S101 - what ASGI says
    return next((value.decode("latin-1") for key, value in headers if key == name), "")
