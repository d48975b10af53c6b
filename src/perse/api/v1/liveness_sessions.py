"""Liveness sessions, as a backend opens, reads and revokes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from perse.api.http.calls import Call
from perse.api.http.consent import CONSENT, Processes
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation, Parameter
from perse.api.http.prefixes import prefix_of
from perse.api.http.retries import RETRY, retry_of
from perse.api.v1.collections import RemovedAnswer
from perse.api.v1.examples import OPENED, REMOVED, SESSION, SESSION_ID, SESSION_ORDER
from perse.api.v1.liveness_conversation import PATH as SOCKET
from perse.api.v1.session_wire import OpenedAnswer, SessionAnswer, session_answer, session_wire
from perse.domain.access import Permission
from perse.domain.consent import Declaration, Processing
from perse.domain.liveness_sessions import (
    DEFAULT_S,
    LONGEST_CORRELATION_ID,
    LONGEST_ORIGIN,
    LONGEST_S,
    ORIGIN_PATTERN,
    SHORTEST_S,
    OnPass,
    SessionId,
    SessionOrder,
    parse_session_id,
)
from perse.domain.references import parse_user_token
from perse.domain.session_frames import SessionKind
from perse.errors import (
    ContentEncodingUnsupported,
    EnduserConsentRequired,
    InvalidParameter,
    RateLimited,
    SampleNotFound,
    SessionNotFound,
    SubjectNotFound,
)

Word = TypeVar("Word", SessionKind, OnPass)

_PATH = "/v1/liveness/sessions"
_CAPTURE_PAGE = "/capture/"
_SESSION = Parameter(
    "session_id",
    "path",
    "The session.",
    {"type": "string", "format": "uuid", "example": SESSION_ID},
)
_BODY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "kind": {
            "type": "string",
            "enum": [str(kind) for kind in SessionKind],
            "default": str(SessionKind.HEAD_TURNS),
            "description": "`passive` asks for no movement, and shows less.",
        },
        "ttl_s": {
            "type": "integer",
            "minimum": SHORTEST_S,
            "maximum": LONGEST_S,
            "default": DEFAULT_S,
            "description": "Seconds in which it has to begin.",
        },
        "subject_id": {
            "type": "string",
            "format": "uuid",
            "description": "Whom `on_pass` is about; failures are counted for the subject.",
        },
        "on_pass": {
            "type": "string",
            "enum": [str(word) for word in OnPass],
            "description": "What is done with the best frame of a session that passes: `verify` "
            "compares it with the subject, which is the default; `enrol` adds it to its faces.",
        },
        "correlation_id": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_CORRELATION_ID,
            "description": "Your own name for who or what tries; failures are counted for it.",
        },
        "origin": {
            "type": "string",
            "maxLength": LONGEST_ORIGIN,
            "pattern": ORIGIN_PATTERN,
            "description": "The only origin from whose pages it may be run.",
        },
        CONSENT.name: {
            "type": "boolean",
            "description": "Whether the end user consents to the processing.",
        },
    },
    "example": SESSION_ORDER,
}
_NEEDS = Needs.of(Permission.LIVENESS)
_DECLARATIONS = {True: Declaration.GIVEN, False: Declaration.REFUSED, None: Declaration.ABSENT}


async def open_session(call: Call) -> OpenedAnswer:
    """Open a liveness session."""
    liveness, body = call.services.liveness, await call.json_object()
    order, declaration = _order(body), _declaration(body)
    if order.on_pass is not None:
        call.caller.check(order.on_pass.needed)
    call.workplace.pacing.check(call.caller.tenant_id)
    retry = retry_of(
        call, liveness.retry_key, b"session\n" + json.dumps(body, sort_keys=True).encode()
    )
    opened = await call.look_up(
        lambda: liveness.open(call.caller, order, declaration=declaration, retry=retry)
    )
    token = liveness.tokens.issue(opened)
    return OpenedAnswer.model_validate(
        {
            **session_wire(opened, liveness.now()),
            "client_token": token,
            # Behind #: what is before it reaches servers and proxies, and their logs.
            "capture_url": f"{_base(call)}{_CAPTURE_PAGE}#token={token}",
            "socket_url": _as_socket(f"{_base(call)}{SOCKET}"),
            "time_taken": call.time_taken(),
        }
    )


async def show(call: Call) -> SessionAnswer:
    """What came out of a liveness session."""
    liveness, session_id = call.services.liveness, _session_in(call)
    found = await call.look_up(lambda: liveness.store.get(call.caller.tenant_id, session_id))
    return session_answer(found, liveness.now(), time_taken=call.time_taken())


async def revoke(call: Call) -> RemovedAnswer:
    """Revoke a liveness session."""
    liveness, session_id, tenant_id = (
        call.services.liveness,
        _session_in(call),
        call.caller.tenant_id,
    )
    await call.look_up(lambda: liveness.store.remove(tenant_id, session_id, at=liveness.now()))
    return RemovedAnswer(time_taken=call.time_taken())


def _session_in(call: Call) -> SessionId:
    return parse_session_id(call.request.path_params[_SESSION.name])


def _order(body: Mapping[str, object]) -> SessionOrder:
    """Raises InvalidParameter, UserTokenNotFound."""
    if body.keys() - _BODY["properties"].keys():
        raise InvalidParameter(f"the body has {', '.join(_BODY['properties'])}, and nothing else")
    subject, ttl_s = _text(body, "subject_id"), body.get("ttl_s", DEFAULT_S)
    if not isinstance(ttl_s, int) or isinstance(ttl_s, bool):
        raise InvalidParameter("ttl_s is a whole number of seconds")
    on_pass = _word(body, "on_pass", OnPass)
    return SessionOrder(
        kind=_word(body, "kind", SessionKind) or SessionKind.HEAD_TURNS,
        ttl_s=ttl_s,
        user_token=None if subject is None else parse_user_token(subject),
        on_pass=OnPass.VERIFY if subject is not None and on_pass is None else on_pass,
        correlation_id=_text(body, "correlation_id"),
        origin=_text(body, "origin"),
    )


def _declaration(body: Mapping[str, object]) -> Declaration:
    declared = body.get(CONSENT.name)
    if declared is not None and not isinstance(declared, bool):
        raise InvalidParameter(f"{CONSENT.name} is either true or false")
    return _DECLARATIONS[declared]


def _text(body: Mapping[str, object], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidParameter(f"{name} is a string")
    return value


def _word(body: Mapping[str, object], name: str, words: type[Word]) -> Word | None:
    text = _text(body, name)
    if text is None:
        return None
    if text not in set(words):
        raise InvalidParameter(f"{name} is one of {', '.join(words)}")
    return words(text)


def _base(call: Call) -> str:
    """What stands before every path for a client; empty at the root of wherever the caller is."""
    return call.services.liveness.public_url or prefix_of(call.request.scope)


def _as_socket(address: str) -> str:
    """http becomes ws, https wss; a path stays one."""
    return f"ws{address.removeprefix('http')}" if address.startswith("http") else address


_ONE = f"{_PATH}/{{{_SESSION.name}}}"

OPERATIONS = (
    Operation(
        "POST",
        _PATH,
        open_session,
        OpenedAnswer,
        summary="Open a liveness session",
        tag="liveness",
        description="Open a session in which a client shows that somebody is really there. Give "
        "the token or the address to the client, and ask for the session when it is through. To "
        "verify, the API key must be allowed to `verify`, too; to enrol, to `enrol`. A client that "
        "sends an `Idempotency-Key` may repeat the request and gets the same session, whose token "
        "still works once.",
        parameters=(RETRY,),
        processes=Processes(Processing.LIVENESS_OPEN, with_change=True),
        needs=_NEEDS,
        json_body=_BODY,
        errors=(
            ContentEncodingUnsupported,
            InvalidParameter,
            EnduserConsentRequired,
            SubjectNotFound,
            SampleNotFound,
            SessionNotFound,
            RateLimited,
        ),
        example=OPENED,
    ),
    Operation(
        "GET",
        _ONE,
        show,
        SessionAnswer,
        summary="Show a liveness session",
        tag="liveness",
        description="How far it is; once it is over, everything that was decided, and the signed "
        "verdict.",
        parameters=(_SESSION,),
        processes=None,
        needs=_NEEDS,
        errors=(InvalidParameter, SessionNotFound),
        example=SESSION,
    ),
    Operation(
        "DELETE",
        _ONE,
        revoke,
        RemovedAnswer,
        summary="Revoke a liveness session",
        tag="liveness",
        description="Its token lets nobody in any more, and what was kept of it is gone. With one "
        "that is running nothing is done in the end, and it counts as a failure.",
        parameters=(_SESSION,),
        processes=None,
        needs=_NEEDS,
        errors=(InvalidParameter, SessionNotFound),
        example=REMOVED,
    ),
)
