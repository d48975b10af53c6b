"""What liveness sessions need from the outside, as roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.liveness_sessions import LivenessSession, SessionId, SessionOutcome
from perse.domain.references import UserToken
from perse.domain.retries import RetryKey


class SessionStore(Protocol):
    """Liveness sessions, apart by tenant, the same for all processes. All but ``of`` and ``forget``
    raise SessionNotFound for a session that is not there, any more, or not the tenant's."""

    def open(
        self, session: LivenessSession, *, entry: ConsentEntry, retry: RetryKey | None = None
    ) -> LivenessSession:
        """Keep a new session and ``entry``, both or neither. As it is kept; where ``retry`` has
        opened one before, that, as it is now. Raises RateLimited while the subject or the
        correlation id is locked, UserTokenNotFound where the subject is not the tenant's,
        InvalidParameter where ``retry`` stands for another request."""
        ...

    def get(self, tenant_id: TenantId, session_id: SessionId) -> LivenessSession: ...

    def of(self, tenant_id: TenantId, user_token: UserToken) -> Sequence[LivenessSession]:
        """All of a subject, the oldest first; none where there is no such subject."""
        ...

    def start(self, session_id: SessionId, *, entry: ConsentEntry) -> LivenessSession:
        """Start a session that was created and has not expired at the time of ``entry``, and keep
        that, both or neither: once, whoever else tries at the same time. Raises
        RateLimited as ``open``, and where sessions that are running could fail too often;
        SessionNotFound also where it has started."""
        ...

    def claim(self, session_id: SessionId, *, at: datetime) -> LivenessSession:
        """Let one who may use what was seen end a session that is running: once, whoever else
        tries. Raises SessionNotFound where it is not running or somebody has."""
        ...

    def end(
        self, session_id: SessionId, outcome: SessionOutcome, *, verdict: str, at: datetime
    ) -> LivenessSession:
        """Keep what came out of a session that is running, and count a failure that is not ours.
        One that has no end in time is a failure without this, and has none any more."""
        ...

    def remove(self, tenant_id: TenantId, session_id: SessionId, *, at: datetime) -> None:
        """Revoke a session with all that is kept of it; one that is running counts as a failure.
        Raises Overloaded for the moment between ``claim`` and ``end``."""
        ...

    def forget(self, *, before: datetime) -> int:
        """Drop sessions that expired before that, and locks that are to be forgotten; how many
        sessions."""
        ...


class VerdictSigner(Protocol):
    def sign(self, claims: Mapping[str, object]) -> str:
        """Compact JWS over ``claims``."""
        ...
