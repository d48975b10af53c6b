"""Where whoever watches over the server asks how it is."""

from __future__ import annotations

from starlette.types import Scope

LIVE, READY = "/health/live", "/health/ready"


def asks_for_health(scope: Scope) -> bool:
    """True for a request whose answer must never wait."""
    path: str = scope["path"]
    return path.rstrip("/") in (LIVE, READY)
