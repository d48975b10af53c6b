"""A client's own name for a request, so that it may come twice."""

from __future__ import annotations

from perse.api.http.calls import Call
from perse.api.http.operations import Parameter
from perse.domain.retries import LONGEST_NAME, NAME_PATTERN, NameRetry, RetryKey

_HEADER = "Idempotency-Key"
RETRY = Parameter(
    _HEADER,
    "header",
    f"A name of your choice for this request, 1 to {LONGEST_NAME} visible ASCII "
    "characters; kept for 24 hours.",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": NAME_PATTERN},
)


def retry_of(call: Call, named: NameRetry, content: bytes) -> RetryKey | None:
    """What a request is called that sends ``content``; None where the client gave it no name.

    Raises InvalidParameter.
    """
    names = call.request.headers.getlist(_HEADER)
    # Several are one list (RFC 9110 §5.3), which no name may be.
    return named(", ".join(names), content) if names else None
