"""Liveness sessions in SQL: whichever server runs one, it starts and ends once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.liveness_sessions import (
    LOST,
    LivenessSession,
    SessionId,
    SessionOutcome,
    session_is_ending,
    session_not_found,
)
from perse.domain.references import UserToken
from perse.domain.retries import RetryKey
from perse.domain.session_lockout import LockoutPolicy
from perse.errors import UserTokenNotFound
from perse.storage.database import Database
from perse.storage.ledger import SqlLedger
from perse.storage.liveness_failures import NamedFailures
from perse.storage.liveness_rows import columns_of_session, session_of, write_outcome
from perse.storage.retry_keys import claim_retry, forget_requests
from perse.storage.schema import Row, liveness_failures, liveness_sessions
from perse.storage.sealing import Owner
from perse.storage.subject_rows import insist_on_subject
from perse.storage.template_rows import lock_tenant

_mine = liveness_sessions.c


@dataclass(frozen=True, slots=True)
class SqlLivenessSessions:
    """Tenants kept apart. Errors: StorageUnavailable everywhere, and as the port says. ``secret``
    keeps names that failed from being tried against what is stored."""

    database: Database
    ledger: SqlLedger
    policy: LockoutPolicy
    secret: bytes = field(repr=False)

    def open(
        self, session: LivenessSession, *, entry: ConsentEntry, retry: RetryKey | None = None
    ) -> LivenessSession:
        """Keep a new session and ``entry``, both or neither, or find what ``retry`` opened before.
        Raises RateLimited while it is locked, UserTokenNotFound, SessionNotFound, InvalidParameter.
        """
        order = session.order
        with self.database.write() as connection:
            lock_tenant(connection, session.tenant_id)
            if retry and (before := _opened_before(connection, session, retry)):
                self.ledger.append_in(connection, [entry])
                return before
            if order.user_token is not None:
                insist_on_subject(connection, Owner(session.tenant_id, order.user_token))
            self._count_lost(connection, session, session.created_at)
            self._failures(connection, session).check(session.created_at)
            connection.execute(sa.insert(liveness_sessions), columns_of_session(session))
            self.ledger.append_in(connection, [entry])
        return session

    def get(self, tenant_id: TenantId, session_id: SessionId) -> LivenessSession:
        """Raises SessionNotFound."""
        with self.database.read() as connection:
            return _found(connection, session_id, tenant_id)

    def of(self, tenant_id: TenantId, user_token: UserToken) -> Sequence[LivenessSession]:
        """All of a subject, the oldest first."""
        query = sa.select(liveness_sessions).where(
            _mine.tenant_id == tenant_id, _mine.user_token == user_token
        )
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(_mine.created_at, _mine.session_id))
            return [session_of(row) for row in rows]

    def start(self, session_id: SessionId, *, entry: ConsentEntry) -> LivenessSession:
        """Start a session at the time of ``entry``, which is kept with that: one that was created
        and has not expired, once. Raises SessionNotFound,
        RateLimited."""
        with self.database.write() as connection:
            session, at = _held(connection, session_id), entry.at
            if not session.may_start(at):
                raise session_not_found()
            self._count_lost(connection, session, at)
            running = len(_open_ones(connection, session))
            self._failures(connection, session).check(at, running=running)
            connection.execute(_change(session_id, started_at=at))
            self.ledger.append_in(connection, [entry])
        return session.started(at)

    def claim(self, session_id: SessionId, *, at: datetime) -> LivenessSession:
        """Let one end a session that is running, once. Raises SessionNotFound."""
        with self.database.write() as connection:
            session = _held(connection, session_id)
            if not session.may_end(at) or session.is_ending(at):
                raise session_not_found()
            connection.execute(_change(session_id, ended_at=at))
        return session.claimed(at)

    def end(
        self, session_id: SessionId, outcome: SessionOutcome, *, verdict: str, at: datetime
    ) -> LivenessSession:
        """Keep what came out of a session that is running, and count a failure that is not ours.
        Raises SessionNotFound."""
        with self.database.write() as connection:
            session = _held(connection, session_id)
            if not session.may_end(at):
                raise session_not_found()
            kept = write_outcome(outcome)
            connection.execute(_change(session_id, outcome=kept, verdict=verdict, ended_at=at))
            if outcome.counts:
                self._failures(connection, session).count(at)
        return session.ended(outcome, verdict, at)

    def remove(self, tenant_id: TenantId, session_id: SessionId, *, at: datetime) -> None:
        """Revoke a session with all that is kept of it; one that is running counts as a failure.
        Raises SessionNotFound, Overloaded for the moment in which it ends."""
        with self.database.write() as connection:
            session = _held(connection, session_id, tenant_id)
            if session.is_ending(at):
                raise session_is_ending()
            if session.started_at is not None and session.outcome is None:
                self._failures(connection, session).count(at)
            connection.execute(sa.delete(liveness_sessions).where(_mine.session_id == session_id))
            forget_requests(connection, _made(session))

    def forget(self, *, before: datetime) -> int:
        """Drop sessions that expired before that, and locks that are to be forgotten; how many
        sessions."""
        locked = before - self.policy.longest_lock - self.policy.forgotten_after
        with self.database.write() as connection:
            connection.execute(
                sa.delete(liveness_failures).where(liveness_failures.c.changed_at < locked)
            )
            old = sa.delete(liveness_sessions).where(_mine.expires_at < before)
            return connection.execute(old).rowcount

    def _count_lost(
        self, connection: sa.Connection, session: LivenessSession, at: datetime
    ) -> None:
        """Others of the same subject or correlation id that had no end in time have failed."""
        for other in _open_ones(connection, session):
            if other.runs_until is not None and other.is_lost(at):
                kept, lost_at = write_outcome(LOST), other.runs_until
                connection.execute(_change(other.session_id, outcome=kept, ended_at=lost_at))
                self._failures(connection, other).count(lost_at)

    def _failures(self, connection: sa.Connection, session: LivenessSession) -> NamedFailures:
        return NamedFailures.of(connection, session, self.policy, self.secret)


def _made(session: LivenessSession) -> Owner:
    """As what a named request made: a session stands there under its own id."""
    return Owner(session.tenant_id, UserToken(session.session_id))


def _opened_before(
    connection: sa.Connection, session: LivenessSession, retry: RetryKey
) -> LivenessSession | None:
    try:
        made = claim_retry(connection, _made(session), retry, at=session.created_at)
    except UserTokenNotFound:  # it was revoked
        raise session_not_found() from None
    return _found(connection, SessionId(made.user_token), session.tenant_id) if made else None


def _found(
    connection: sa.Connection, session_id: SessionId, tenant_id: TenantId | None = None
) -> LivenessSession:
    query = sa.select(liveness_sessions).where(_mine.session_id == session_id)
    if tenant_id is not None:
        query = query.where(_mine.tenant_id == tenant_id)
    row: Row | None = connection.execute(query).one_or_none()
    if row is None:
        raise session_not_found()
    return session_of(row)


def _held(
    connection: sa.Connection, session_id: SessionId, tenant_id: TenantId | None = None
) -> LivenessSession:
    """As it is once nobody else can change it, or anything of its tenant."""
    try:
        lock_tenant(connection, _found(connection, session_id, tenant_id).tenant_id)
    except UserTokenNotFound:  # the tenant has been erased since
        raise session_not_found() from None
    return _found(connection, session_id, tenant_id)


def _open_ones(connection: sa.Connection, session: LivenessSession) -> Sequence[LivenessSession]:
    """Of the same subject or correlation id, those that began and of which nothing has come out,
    the first to begin first."""
    order = session.order
    names = [
        column == value
        for column, value in (
            (_mine.user_token, order.user_token),
            (_mine.correlation_id, order.correlation_id),
        )
        if value is not None
    ]
    if not names:
        return []
    query = sa.select(liveness_sessions).where(
        _mine.tenant_id == session.tenant_id,
        sa.or_(*names),
        _mine.started_at.is_not(None),
        _mine.outcome.is_(None),
    )
    return [session_of(row) for row in connection.execute(query.order_by(_mine.started_at))]


def _change(session_id: SessionId, **values: object) -> sa.Update:
    return sa.update(liveness_sessions).where(_mine.session_id == session_id).values(**values)
