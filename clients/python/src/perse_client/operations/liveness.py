"""Liveness sessions: is somebody really there?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from perse_client.call import Call, get, retry_header, segment
from perse_client.operations.measures import Answer, Models

Kind = Literal["head_turns", "passive"]
OnPass = Literal["verify", "enrol"]

_PATH = "/v1/liveness/sessions"


@dataclass(frozen=True, kw_only=True)
class OpenedSession(Answer):
    """Give ``client_token`` or ``capture_url`` to the client, and keep ``session_id``.
    ``socket_url``: the WebSocket, for a client of your own."""

    session_id: str
    kind: str
    state: str
    created_at: datetime
    expires_at: datetime
    subject_id: str | None
    on_pass: str | None
    correlation_id: str | None
    client_token: str = field(repr=False)
    capture_url: str = field(repr=False)
    socket_url: str


@dataclass(frozen=True, kw_only=True)
class ComparedWithSubject:
    """The best frame with all faces of the subject. ``decision``: match, no_match or
    not_assessable."""

    decision: str
    similarity: float
    similarity_assessable: bool
    similarity_obstacle: str | None
    threshold: float
    samples_compared: int


@dataclass(frozen=True, kw_only=True)
class Session(Answer):
    """``state``: created, started, passed, failed or expired. ``reasons``: all that spoke against
    it. ``limits``: what the rules allow of what is in ``scores``, among others. ``verdict``: all of
    this signed (JWS), once it is over; ``get_public_keys`` has what verifies it."""

    session_id: str
    kind: str
    state: str
    created_at: datetime
    expires_at: datetime
    subject_id: str | None
    on_pass: str | None
    correlation_id: str | None
    started_at: datetime | None
    ended_at: datetime | None
    reasons: tuple[str, ...]
    scores: Mapping[str, float]
    limits: Mapping[str, float]
    frames: int | None
    best_frame_sha256: str | None
    verification: ComparedWithSubject | None
    sample_id: str | None
    models: Models
    verdict: str | None

    @property
    def is_over(self) -> bool:
        """Nothing more will come of it."""
        return self.state in {"passed", "failed", "expired"}

    @property
    def is_passed(self) -> bool:
        """Somebody was there, and what was to be done with the best frame came out well."""
        return self.state == "passed"


def open_liveness_session(
    *,
    kind: Kind | None = None,
    ttl_s: int | None = None,
    subject_id: str | None = None,
    on_pass: OnPass | None = None,
    correlation_id: str | None = None,
    origin: str | None = None,
    consent: bool | None = None,
    idempotency_key: str | None = None,
) -> Call[OpenedSession]:
    """Let a client show that somebody is really there. ``on_pass``: what is done with the best
    frame, compared with the subject (verify, the default) or added to its faces (enrol).
    ``correlation_id``: your own name for who tries, for which failures are counted. ``origin``: the
    only one from whose pages the session may be run. ``idempotency_key``: your own name for this
    call, by which a repeated one gets the same session."""
    order = {
        "kind": kind,
        "ttl_s": ttl_s,
        "subject_id": subject_id,
        "on_pass": on_pass,
        "correlation_id": correlation_id,
        "origin": origin,
        "client_declaration_enduser_consent": consent,
    }
    return Call(
        method="POST",
        path=_PATH,
        answer=OpenedSession,
        document={name: it for name, it in order.items() if it is not None},
        headers=retry_header(idempotency_key),
    )


def get_liveness_session(session_id: str) -> Call[Session]:
    """How far a session is; once it is over, all that was decided."""
    return get(_path_of(session_id), Session)


def revoke_liveness_session(session_id: str) -> Call[Answer]:
    """Let nobody in to a session any more, and forget what is kept of it."""
    return Call(method="DELETE", path=_path_of(session_id), answer=Answer, repeatable=False)


def _path_of(session_id: str) -> str:
    return f"{_PATH}/{segment(session_id)}"
