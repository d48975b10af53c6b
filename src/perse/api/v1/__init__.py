"""Our own API. Names of the wire are translated here and nowhere else.

A new part is one module with its ``OPERATIONS`` and ``SOCKETS``, listed below. What a number, a
verdict or a load is stands in ``v0``.
"""

from __future__ import annotations

from perse.api.http.sockets import SocketOperation
from perse.api.v1 import (
    access,
    audit,
    collections,
    evaluations,
    history,
    identification,
    liveness_conversation,
    liveness_sessions,
    samples,
    status,
    subjects,
    usage,
    verification,
    voices,
)
from perse.api.v1.absence import speaking_of_subjects

OPERATIONS = speaking_of_subjects(
    (
        *access.OPERATIONS,
        *usage.OPERATIONS,
        *status.OPERATIONS,
        *audit.OPERATIONS,
        *evaluations.OPERATIONS,
        *voices.OPERATIONS,
        *subjects.OPERATIONS,
        *history.OPERATIONS,
        *samples.OPERATIONS,
        *verification.OPERATIONS,
        *collections.OPERATIONS,
        *identification.OPERATIONS,
        *liveness_sessions.OPERATIONS,
    )
)

SOCKETS: tuple[SocketOperation, ...] = liveness_conversation.SOCKETS
