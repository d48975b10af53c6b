"""Failed liveness sessions of a subject or a correlation id, counted for all processes alike."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from perse.domain.access import TenantId
from perse.domain.liveness_sessions import LivenessSession
from perse.domain.session_lockout import LockoutPolicy, SessionFailures
from perse.storage.schema import Row, liveness_failures

_rows = liveness_failures.c


@dataclass(frozen=True, slots=True)
class NamedFailures:
    """Of every name of a session, within a transaction that holds its tenant."""

    connection: sa.Connection
    tenant_id: TenantId
    digests: Sequence[bytes]
    policy: LockoutPolicy

    @classmethod
    def of(
        cls,
        connection: sa.Connection,
        session: LivenessSession,
        policy: LockoutPolicy,
        secret: bytes,
    ) -> Self:
        """``secret``: what names are hidden with."""
        order = session.order
        names = {"subject": order.user_token, "correlation": order.correlation_id}
        digests = [
            hmac.digest(secret, f"{kind} {name}".encode(), "sha256")
            for kind, name in names.items()
            if name is not None
        ]
        return cls(connection, session.tenant_id, digests, policy)

    def check(self, at: datetime, *, running: int = 0) -> None:
        """Raises RateLimited as SessionFailures."""
        for digest in self.digests:
            self._read(digest).check(self.policy, at, running=running)

    def count(self, at: datetime) -> None:
        """One more failure of every name."""
        for digest in self.digests:
            self._write(digest, self._read(digest).after_failure(self.policy, at), at)

    def _write(self, digest: bytes, failures: SessionFailures, at: datetime) -> None:
        insert = sqlite.insert if self.connection.dialect.name == "sqlite" else postgresql.insert
        values = {
            "recent": json.dumps([moment.isoformat() for moment in failures.recent]),
            "locks": failures.locks,
            "locked_until": failures.locked_until,
            "changed_at": at,
        }
        self.connection.execute(
            insert(liveness_failures)
            .values(tenant_id=self.tenant_id, name_digest=digest, **values)
            .on_conflict_do_update(index_elements=["tenant_id", "name_digest"], set_=values)
        )

    def _read(self, digest: bytes) -> SessionFailures:
        query = sa.select(liveness_failures).where(
            _rows.tenant_id == self.tenant_id, _rows.name_digest == digest
        )
        row: Row | None = self.connection.execute(query).one_or_none()
        if row is None:
            return SessionFailures()
        recent = tuple(map(datetime.fromisoformat, json.loads(row.recent)))
        return SessionFailures(recent, row.locks, row.locked_until)
