"""Liveness sessions: what a backend asks for, and what came out."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType

from perse.domain.access import KeyId, Permission, TenantId
from perse.domain.consent import Declaration
from perse.domain.references import SampleId, UserToken
from perse.domain.samples import ModelName
from perse.domain.session_frames import SessionKind
from perse.domain.subject_verification import Outcome
from perse.errors import InvalidParameter, Overloaded, SessionNotFound

SHORTEST_S: Final = 60
LONGEST_S: Final = 600
DEFAULT_S: Final = 300
# From its start to its end, whatever becomes of it.
LONGEST_RUN_S: Final = 120
LONGEST_CORRELATION_ID: Final = 200
LONGEST_ORIGIN: Final = 300
ORIGIN_PATTERN: Final = r"^[a-z][a-z0-9+.-]*://[^\s/?#@\\A-Z]+$"
# Ports that browsers leave out of an origin.
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

SessionId = NewType("SessionId", str)
_UUID_SHAPE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class SessionState(StrEnum):
    """``PASSED``: everything that the session was opened for came out well. ``EXPIRED``: nobody
    came in time."""

    CREATED = "created"
    STARTED = "started"
    PASSED = "passed"
    FAILED = "failed"
    EXPIRED = "expired"


class OnPass(StrEnum):
    """What is done with the best frame of somebody who is really there."""

    VERIFY = "verify"
    ENROL = "enrol"

    @property
    def needed(self) -> frozenset[Permission]:
        """What the API key must be allowed."""
        return frozenset({Permission(self.value)})


class EndReason(StrEnum):
    """Why a session failed beside what its frames showed."""

    ABANDONED = "abandoned"  # given up, or the connection was lost
    DECLINED = "declined"  # the person cannot do the first movement, and said so
    TOO_SLOW = "too_slow"  # too few frames were sent, before the order was known
    FAULT = "fault"  # of the server
    LOST = "lost"  # had no end in time: the server that ran it was lost
    NO_MATCH = "no_match"  # not the subject
    NOT_ASSESSABLE = "not_assessable"  # too little of a person is seen to compare
    NOT_COMPARED = "not_compared"  # the subject may not or cannot be compared now
    NOT_ENROLLED = "not_enrolled"  # the best frame is too bad to be kept


_NO_FAILURES: Final = frozenset({EndReason.FAULT, EndReason.DECLINED, EndReason.TOO_SLOW})


def new_session_id() -> SessionId:
    """A random UUID."""
    return SessionId(str(uuid.uuid4()))


def parse_session_id(text: str) -> SessionId:
    """Raises SessionNotFound for a text that no identifier of ours has the shape of."""
    canonical = text.strip().lower()
    if not _UUID_SHAPE.fullmatch(canonical):
        raise session_not_found()
    return SessionId(canonical)


def session_not_found() -> SessionNotFound:
    """The same for ids that never were, are no more, and are another tenant's."""
    return SessionNotFound(
        "this API key has no liveness session of that id: sessions are forgotten a day after "
        "they end"
    )


def session_is_ending() -> Overloaded:
    """Whether it passes is being decided this moment."""
    return Overloaded("this liveness session is coming to its end: ask again in a second")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOrder:
    """What a backend asks for. ``origin``: the only one whose pages may run it, None = any.
    ``user_token`` and ``on_pass`` are there together. Raises InvalidParameter."""

    kind: SessionKind = SessionKind.HEAD_TURNS
    ttl_s: int = DEFAULT_S
    user_token: UserToken | None = None
    on_pass: OnPass | None = None
    correlation_id: str | None = None
    origin: str | None = None

    def __post_init__(self) -> None:
        if not SHORTEST_S <= self.ttl_s <= LONGEST_S:
            raise InvalidParameter(f"ttl_s is {SHORTEST_S} to {LONGEST_S} seconds")
        if (self.user_token is None) != (self.on_pass is None):
            raise InvalidParameter("on_pass says what is done with a subject: send subject_id, too")
        named, origin = self.correlation_id, self.origin
        if named is not None and not _is_name(named):
            raise InvalidParameter(
                f"correlation_id has 1 to {LONGEST_CORRELATION_ID} printable characters"
            )
        if origin is not None and not _is_origin(origin):
            raise InvalidParameter(
                "origin is one as browsers send it, such as https://shop.example: in small "
                "letters, without a path and without the port that its scheme has anyway"
            )


def _is_name(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_CORRELATION_ID and text.isprintable()


def _is_origin(text: str) -> bool:
    fits = len(text) <= LONGEST_ORIGIN and text.isascii() and text.isprintable()
    implied = _DEFAULT_PORTS.get(text.partition("://")[0])
    as_sent = implied is None or not text.endswith(implied)
    return fits and as_sent and re.fullmatch(ORIGIN_PATTERN.strip("^$"), text) is not None


@dataclass(frozen=True, slots=True)
class SubjectCompared:
    """What comparing the best frame with a subject came to. ``similarity``: 0..1, 0 where it is not
    assessable; ``obstacle``: why it is not, as a sentence."""

    decision: Outcome
    similarity: float
    threshold: float
    samples_compared: int
    obstacle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOutcome:
    """``reasons``: all that spoke against it; none of them = passed. ``scores`` and ``thresholds``
    by name, each only where it could be told. ``best_frame_sha256``: hexadecimal, of the frame as
    it was sent. ``sample_id``: of the face that was enrolled."""

    reasons: tuple[str, ...]
    scores: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    models: Mapping[str, ModelName] = field(default_factory=dict)
    frames: int = 0
    best_frame_sha256: str | None = None
    compared: SubjectCompared | None = None
    sample_id: SampleId | None = None

    @property
    def passed(self) -> bool:
        return not self.reasons

    @property
    def counts(self) -> bool:
        """Whether it is a failure of whoever tried; what broke on our side is none, nor is asking
        for another way, nor a slow network."""
        return not self.passed and _NO_FAILURES.isdisjoint(self.reasons)


LOST: Final = SessionOutcome(reasons=(EndReason.LOST,))


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessSession:
    """One session as it is kept. Times are aware, UTC. ``ended_at``: when it was claimed to be
    ended, once. ``verdict``: compact JWS, once it has come out."""

    session_id: SessionId
    tenant_id: TenantId
    key_id: KeyId
    order: SessionOrder
    declaration: Declaration
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: SessionOutcome | None = None
    verdict: str | None = None

    @property
    def expires_at(self) -> datetime:
        """Until then it may start."""
        return self.created_at + timedelta(seconds=self.order.ttl_s)

    @property
    def runs_until(self) -> datetime | None:
        """By then it must have come out; None of one that has not started."""
        return self.started_at and self.started_at + timedelta(seconds=LONGEST_RUN_S)

    def is_lost(self, now: datetime) -> bool:
        """Whether it started and nothing can come out of it any more."""
        return self.outcome is None and self.runs_until is not None and now >= self.runs_until

    def is_ending(self, now: datetime) -> bool:
        """Whether somebody has claimed its end, and nothing has come out yet."""
        return self.ended_at is not None and self.outcome is None and not self.is_lost(now)

    def came_to(self, now: datetime) -> SessionOutcome | None:
        """What came out of it; None while that is open."""
        return LOST if self.is_lost(now) else self.outcome

    def state(self, now: datetime) -> SessionState:
        outcome = self.came_to(now)
        if outcome is not None:
            return SessionState.PASSED if outcome.passed else SessionState.FAILED
        if self.started_at is not None:
            return SessionState.STARTED
        return SessionState.EXPIRED if now >= self.expires_at else SessionState.CREATED

    def may_start(self, now: datetime) -> bool:
        """Once, and in time."""
        return self.state(now) is SessionState.CREATED

    def may_end(self, now: datetime) -> bool:
        """Whether nothing has come out of it yet and it runs."""
        return self.state(now) is SessionState.STARTED

    def started(self, at: datetime) -> LivenessSession:
        return replace(self, started_at=at)

    def claimed(self, at: datetime) -> LivenessSession:
        return replace(self, ended_at=at)

    def ended(self, outcome: SessionOutcome, verdict: str, at: datetime) -> LivenessSession:
        return replace(self, outcome=outcome, verdict=verdict, ended_at=at)
