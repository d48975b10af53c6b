"""Where errors meet HTTP: one table and one shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import Response

from perse import errors

STATUS_OF: Mapping[type[errors.PerseError], int] = MappingProxyType(
    {
        errors.InputError: 400,
        errors.Unauthorized: 401,
        errors.PermissionMissing: 403,
        errors.OriginNotAllowed: 403,
        errors.NotFound: 404,
        errors.MethodNotAllowed: 405,
        errors.AlreadyExists: 409,
        errors.ChangedMeanwhile: 412,
        errors.ContentTypeHeaderMissing: 415,
        errors.ContentEncodingUnsupported: 415,
        errors.InvalidFileType: 415,
        errors.SampleError: 422,
        errors.UpgradeRequired: 426,
        errors.RateLimited: 429,
        errors.TryLater: 503,
    }
)
# Whose clients know no quotas, but a limit of their rate.
CONTRACT = "/v0/"
WEBSOCKET_VERSION = "13"
_INTERNAL_STATUS = 500
_CHALLENGE = 'Bearer realm="perse"'


def status_of(error: type[errors.PerseError]) -> int:
    """HTTP status of an error class: its own in the table, else that of its nearest parent."""
    return next((STATUS_OF[cls] for cls in error.__mro__ if cls in STATUS_OF), _INTERNAL_STATUS)


def in_words_of(route: str, error: errors.PerseError) -> errors.PerseError:
    """The error as clients of that route know it."""
    if isinstance(error, errors.QuotaExceeded) and route.startswith(CONTRACT):
        return errors.RateLimited(error.message, retry_after_s=error.retry_after_s)
    return error


def problem_of(error: errors.PerseError) -> Mapping[str, str | int]:
    """What every error says of itself."""
    return {"code": error.code, "message": error.message, "status": status_of(type(error))}


def problem_response(
    error: errors.PerseError, *, headers: Mapping[str, str] | None = None
) -> Response:
    """``code``, ``message``, ``status``, and the headers that HTTP wants beside them."""
    return Response(
        json.dumps(problem_of(error)),
        status_of(type(error)),
        headers={**_headers_of(error), **(headers or {})},
        media_type="application/json",
    )


def internal_problem(request_id: str) -> Mapping[str, str | int]:
    """What a client learns of a fault of ours: where to find it in the log, and nothing else."""
    return {
        "code": errors.PerseError.code,
        "message": f"something went wrong here; the log tells more under request {request_id}",
        "status": _INTERNAL_STATUS,
        "request_id": request_id,
    }


def internal_response(request_id: str) -> Response:
    """That, as an answer."""
    body = json.dumps(internal_problem(request_id))
    return Response(body, _INTERNAL_STATUS, media_type="application/json")


def _headers_of(error: errors.PerseError) -> Mapping[str, str]:
    match error:
        case errors.TryLater():
            return {"Retry-After": str(error.retry_after_s)}
        case errors.Unauthorized():
            return {"WWW-Authenticate": _CHALLENGE}
        case errors.ContentEncodingUnsupported():
            return {"Accept-Encoding": "identity"}
        case errors.UpgradeRequired():
            return {
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Version": WEBSOCKET_VERSION,
            }
    return {}
