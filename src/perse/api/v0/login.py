"""From an API key to a session token."""

from __future__ import annotations

from pydantic import Field

from perse.api.http.answers import Success
from perse.api.http.calls import Call
from perse.api.http.operations import Operation
from perse.api.telemetry.exchange import exchange_of
from perse.api.v0.examples import LOGIN
from perse.errors import (
    ContentEncodingUnsupported,
    FormKeyMissing,
    InvalidParameter,
    Unauthorized,
)

_KEY = "privateKey"
_EXAMPLE_KEY = "00000000-0000-4000-8000-000000000000"


class LoginAnswer(Success):
    token: str = Field(description="Session token (JWT), valid for 15 minutes.")


async def log_in(call: Call) -> LoginAnswer:
    """Exchange an API key for a session token."""
    body = await call.json_object()
    if _KEY not in body:
        raise FormKeyMissing(f"{_KEY} is missing: send the API key as {{{_KEY!r}: ...}}")
    key = body[_KEY]
    if not isinstance(key, str):
        raise InvalidParameter(f"{_KEY} must be a string")
    token = await call.workplace.access.log_in(key, exchange_of(call.request.scope).party)
    return LoginAnswer(token=token, time_taken=call.time_taken())


OPERATIONS = (
    Operation(
        "POST",
        "/v0/login",
        log_in,
        LoginAnswer,
        summary="Log in",
        tag="login",
        processes=None,
        needs=None,
        description="Exchange an API key for a session token that is valid for 15 minutes.",
        json_body={
            "type": "object",
            "required": [_KEY],
            "properties": {
                _KEY: {"type": "string", "format": "uuid", "description": "The API key."}
            },
            "example": {_KEY: _EXAMPLE_KEY},
        },
        errors=(ContentEncodingUnsupported, FormKeyMissing, InvalidParameter, Unauthorized),
        example=LOGIN,
    ),
)
