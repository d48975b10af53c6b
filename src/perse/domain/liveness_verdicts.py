"""What is signed of a liveness session, for a third party that was not there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from perse.domain.liveness_sessions import LivenessSession, SessionOutcome, SessionState
from perse.domain.receipts import token_sha256


def verdict_claims(
    session: LivenessSession, outcome: SessionOutcome, *, at: datetime
) -> Mapping[str, object]:
    """Everything that was decided, and what it was decided with. Names of the caller's own and
    subjects are hashes (SHA-256): whoever knows one can check it, nobody else learns it."""
    order = session.order
    named = {
        "subject_sha256": order.user_token,
        "correlation_sha256": order.correlation_id,
    }
    return {
        "jti": str(uuid.uuid4()),
        "iat": int(at.timestamp()),
        "sub": session.session_id,
        "tenant": session.tenant_id,
        "kind": str(order.kind),
        "verdict": str(SessionState.PASSED if outcome.passed else SessionState.FAILED),
        "reasons": list(outcome.reasons),
        "created_at": _told(session.created_at),
        "started_at": _told(session.started_at or at),
        "ended_at": _told(at),
        "frames": outcome.frames,
        "scores": dict(outcome.scores),
        "thresholds": dict(outcome.thresholds),
        "models": dict(outcome.models),
        **{name: token_sha256(value) for name, value in named.items() if value is not None},
        **_of_the_end(session, outcome),
    }


def _of_the_end(session: LivenessSession, outcome: SessionOutcome) -> Mapping[str, object]:
    compared, order = outcome.compared, session.order
    told: dict[str, object] = {}
    if outcome.best_frame_sha256 is not None:
        told["best_frame_sha256"] = outcome.best_frame_sha256
    if order.on_pass is not None:
        told["on_pass"] = str(order.on_pass)
    if compared is not None:
        told["verification"] = {
            "decision": str(compared.decision),
            "similarity": round(compared.similarity, 6),
            "threshold": round(compared.threshold, 6),
            "samples_compared": compared.samples_compared,
        }
    if outcome.sample_id is not None:
        told["sample_sha256"] = token_sha256(outcome.sample_id)
    return told


def _told(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
