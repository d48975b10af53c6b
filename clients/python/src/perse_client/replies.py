"""What came back: an answer, or an error of the tree."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import httpx

from perse_client.call import Call
from perse_client.errors import AnswerUnreadable, PerseError, TryLater, Unreachable, class_of
from perse_client.reading import read

T = TypeVar("T")
Reply = httpx.Response | httpx.RequestError
_OK = 200


def answer_of(reply: Reply | None, call: Call[T]) -> T:
    """What a call answers. Raises PerseError, without a word of a body that is not perse's."""
    if not isinstance(reply, httpx.Response):
        raise Unreachable(f"no answer: {type(reply).__name__} {reply}") from reply
    if reply.status_code != _OK:
        raise _refusal(reply)
    try:
        return read(reply.content, call.answer)
    except (ValueError, RecursionError) as wrong:
        torn = isinstance(wrong, json.JSONDecodeError | UnicodeDecodeError | RecursionError)
        reason = "it is no JSON" if torn else str(wrong)
        raise AnswerUnreadable(
            f"not an answer of perse to {call.method} {call.path}: {reason}", status=_OK
        ) from None


def _refusal(reply: httpx.Response) -> PerseError:
    told, status = _problem(reply), reply.status_code
    code = told.get("code")
    failure = class_of(code, status)(
        told.get("message") or f"an answer with status {status} that is not of perse",
        code=code,
        status=status,
        request_id=told.get("request_id") or reply.headers.get("X-Request-ID"),
    )
    if isinstance(failure, TryLater):
        failure.retry_after_s = _retry_after_s(reply)
    return failure


def _problem(reply: httpx.Response) -> dict[str, str]:
    """The texts of an error's body; nothing where it is no error of perse."""
    try:
        document: Any = json.loads(reply.content)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {key: value for key, value in document.items() if isinstance(value, str)}


def _retry_after_s(reply: httpx.Response) -> float | None:
    """In seconds; a date (RFC 9110 §10.2.3), which neither perse nor the usual proxies send, counts
    as nothing said."""
    said = reply.headers.get("Retry-After", "").strip()
    return float(said) if said.isascii() and said.isdecimal() else None
