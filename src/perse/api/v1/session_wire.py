"""Liveness sessions in the words of ``/v1``."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, FiniteFloat

from perse.api.http.answers import Answer, Success
from perse.api.v0.measures import Models, Share, number
from perse.api.v1.verification_wire import Decision
from perse.domain.liveness_sessions import LivenessSession, SessionOutcome, SubjectCompared

Kind = Literal["passive", "head_turns"]
State = Literal["created", "started", "passed", "failed", "expired"]
OnPassWord = Literal["verify", "enrol"]


class WireSession(Answer):
    session_id: str
    kind: Kind
    state: State = Field(
        description="`passed` only where everything that it was opened for came out well."
    )
    created_at: datetime
    expires_at: datetime
    subject_id: str | None = None
    on_pass: OnPassWord | None = Field(None, description="What is done with the best frame.")
    correlation_id: str | None = None


class OpenedAnswer(WireSession, Success):
    client_token: str = Field(description="For the client: lets in to this session, once.")
    capture_url: str = Field(description="The page that runs the session.")
    socket_url: str = Field(description="The WebSocket, for a client of your own.")


class WireCompared(Answer):
    decision: Decision
    similarity: Share = Field(description="Of the best frame with all faces of the subject.")
    similarity_assessable: bool
    similarity_obstacle: str | None = None
    threshold: Share
    samples_compared: int = Field(ge=0)


class SessionAnswer(WireSession, Success):
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reasons: list[str] = Field(description="All that spoke against it; empty where it passed.")
    scores: dict[str, FiniteFloat] = Field(description="What the rules measured, where they could.")
    limits: dict[str, FiniteFloat] = Field(description="What the rules allow.")
    frames: int | None = Field(None, ge=0, description="How many were looked at.")
    best_frame_sha256: str | None = Field(None, description="Of the frame as it was sent.")
    verification: WireCompared | None = Field(None, description="Where it came to comparing.")
    sample_id: str | None = Field(None, description="Of the face that was enrolled.")
    models: Models
    verdict: str | None = Field(
        None, description="All of this signed (JWS), once it is over; /.well-known/jwks.json."
    )


def session_wire(session: LivenessSession, now: datetime) -> dict[str, object]:
    """What is said of every session."""
    order = session.order
    return {
        "session_id": session.session_id,
        "kind": order.kind.value,
        "state": session.state(now).value,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
        "subject_id": order.user_token,
        "on_pass": order.on_pass and order.on_pass.value,
        "correlation_id": order.correlation_id,
    }


def session_answer(session: LivenessSession, now: datetime, *, time_taken: float) -> SessionAnswer:
    """``time_taken``: seconds."""
    known = session.came_to(now)
    outcome = known or SessionOutcome(reasons=())
    compared = outcome.compared
    return SessionAnswer.model_validate(
        {
            **session_wire(session, now),
            "started_at": session.started_at,
            "ended_at": session.ended_at if session.outcome else None,
            "reasons": list(outcome.reasons),
            "scores": dict(outcome.scores),
            "limits": dict(outcome.thresholds),
            "frames": outcome.frames if known else None,
            "best_frame_sha256": outcome.best_frame_sha256,
            "verification": compared and _compared(compared),
            "sample_id": outcome.sample_id,
            "models": dict(outcome.models),
            "verdict": session.verdict,
            "time_taken": time_taken,
        }
    )


def _compared(compared: SubjectCompared) -> dict[str, object]:
    return {
        "decision": compared.decision.value,
        "similarity": number(compared.similarity),
        "similarity_assessable": compared.obstacle is None,
        "similarity_obstacle": compared.obstacle,
        "threshold": number(compared.threshold),
        "samples_compared": compared.samples_compared,
    }
