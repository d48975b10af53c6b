"""From an API key to a session token."""

from __future__ import annotations

from dataclasses import dataclass, field

from perse_client.call import Call
from perse_client.operations.measures import Answer


@dataclass(frozen=True, kw_only=True)
class LoggedIn(Answer):
    token: str = field(repr=False)


def log_in(api_key: str) -> Call[LoggedIn]:
    """Exchange an API key for a session token."""
    return Call(
        method="POST",
        path="/v0/login",
        answer=LoggedIn,
        document={"privateKey": api_key},
        secured=False,
    )
