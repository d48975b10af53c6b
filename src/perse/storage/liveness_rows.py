"""Liveness sessions as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from perse.domain.access import KeyId, TenantId
from perse.domain.consent import Declaration
from perse.domain.liveness_sessions import (
    LivenessSession,
    OnPass,
    SessionId,
    SessionOrder,
    SessionOutcome,
    SubjectCompared,
)
from perse.domain.references import SampleId, UserToken
from perse.domain.samples import ModelName
from perse.domain.session_frames import SessionKind
from perse.domain.subject_verification import Outcome
from perse.storage.schema import Row, liveness_sessions
from perse.storage.sealing import Owner


def columns_of_session(session: LivenessSession) -> Mapping[str, object]:
    """What is kept of a new one."""
    order = session.order
    return {
        "session_id": session.session_id,
        "tenant_id": session.tenant_id,
        "key_id": session.key_id,
        "kind": str(order.kind),
        "user_token": order.user_token,
        "on_pass": None if order.on_pass is None else str(order.on_pass),
        "correlation_id": order.correlation_id,
        "origin": order.origin,
        "declaration": str(session.declaration),
        "created_at": session.created_at,
        "expires_at": session.expires_at,
    }


def session_of(row: Row) -> LivenessSession:
    """What a row holds."""
    return LivenessSession(
        session_id=SessionId(row.session_id),
        tenant_id=TenantId(row.tenant_id),
        key_id=KeyId(row.key_id),
        order=SessionOrder(
            kind=SessionKind(row.kind),
            ttl_s=round((row.expires_at - row.created_at).total_seconds()),
            user_token=None if row.user_token is None else UserToken(row.user_token),
            on_pass=None if row.on_pass is None else OnPass(row.on_pass),
            correlation_id=row.correlation_id,
            origin=row.origin,
        ),
        declaration=Declaration(row.declaration),
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=None if row.outcome is None else read_outcome(row.outcome),
        verdict=row.verdict,
    )


def write_outcome(outcome: SessionOutcome) -> str:
    """As JSON."""
    return json.dumps(asdict(outcome))


def read_outcome(text: str) -> SessionOutcome:
    """What ``write_outcome`` wrote."""
    kept: dict[str, Any] = json.loads(text)
    compared = kept["compared"]
    if compared is not None:
        compared = SubjectCompared(**compared | {"decision": Outcome(compared["decision"])})
    return SessionOutcome(
        reasons=tuple(kept["reasons"]),
        scores=kept["scores"],
        thresholds=kept["thresholds"],
        models={role: ModelName(name) for role, name in kept["models"].items()},
        frames=kept["frames"],
        best_frame_sha256=kept["best_frame_sha256"],
        compared=compared,
        sample_id=None if kept["sample_id"] is None else SampleId(kept["sample_id"]),
    )


def forget_sessions(connection: sa.Connection, owner: Owner) -> None:
    """Drop every session that was to end with this subject: what came out of it is about it."""
    connection.execute(
        sa.delete(liveness_sessions).where(
            liveness_sessions.c.tenant_id == owner.tenant_id,
            liveness_sessions.c.user_token == owner.user_token,
        )
    )
