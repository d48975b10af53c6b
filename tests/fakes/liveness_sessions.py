"""Liveness sessions in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

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
from perse.domain.session_lockout import LockoutPolicy, SessionFailures
from perse.errors import UserTokenNotFound
from tests.fakes.storage import FakeReferences

_Name = tuple[TenantId, str, str]


@dataclass
class FakeLivenessSessions:
    """SessionStore over dictionaries."""

    references: FakeReferences
    policy: LockoutPolicy = field(default_factory=LockoutPolicy)
    kept: dict[SessionId, LivenessSession] = field(default_factory=dict)
    failed: dict[_Name, SessionFailures] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def open(
        self, session: LivenessSession, *, entry: ConsentEntry, retry: RetryKey | None = None
    ) -> LivenessSession:
        with self.lock:
            if retry and (before := self._opened_before(session, retry)):
                self.references.ledger.append([entry])
                return before
            if session.order.user_token is not None:
                self.references.person(session.tenant_id, session.order.user_token)
            self._count_lost(session, session.created_at)
            for name in _names(session):
                self._failures(name).check(self.policy, session.created_at)
            self.references.claim(retry, entry, UserToken(session.session_id))
            self.kept[session.session_id] = session
            self.references.ledger.append([entry])
            return session

    def _opened_before(self, session: LivenessSession, retry: RetryKey) -> LivenessSession | None:
        try:
            made = self.references.retried(session.tenant_id, retry)
        except UserTokenNotFound:
            raise session_not_found() from None
        return self.get(session.tenant_id, SessionId(made.user_token)) if made else None

    def get(self, tenant_id: TenantId, session_id: SessionId) -> LivenessSession:
        session = self._held(session_id)
        if session.tenant_id != tenant_id:
            raise session_not_found()
        return session

    def of(self, tenant_id: TenantId, user_token: UserToken) -> Sequence[LivenessSession]:
        owner = tenant_id, user_token
        found = [it for it in self.kept.values() if (it.tenant_id, it.order.user_token) == owner]
        kept = (it for it in found if not self._subject_is_gone(it))
        return sorted(kept, key=lambda it: (it.created_at, it.session_id))

    def start(self, session_id: SessionId, *, entry: ConsentEntry) -> LivenessSession:
        with self.lock:
            session, at = self._held(session_id), entry.at
            if not session.may_start(at):
                raise session_not_found()
            self._count_lost(session, at)
            running = len(self._open_ones(session))
            for name in _names(session):
                self._failures(name).check(self.policy, at, running=running)
            self.references.ledger.append([entry])
            self.kept[session_id] = session.started(at)
            return self.kept[session_id]

    def claim(self, session_id: SessionId, *, at: datetime) -> LivenessSession:
        with self.lock:
            session = self._held(session_id)
            if not session.may_end(at) or session.is_ending(at):
                raise session_not_found()
            self.kept[session_id] = session.claimed(at)
            return self.kept[session_id]

    def end(
        self, session_id: SessionId, outcome: SessionOutcome, *, verdict: str, at: datetime
    ) -> LivenessSession:
        with self.lock:
            session = self._held(session_id)
            if not session.may_end(at):
                raise session_not_found()
            if outcome.counts:
                self._count(session, at)
            self.kept[session_id] = session.ended(outcome, verdict, at)
            return self.kept[session_id]

    def remove(self, tenant_id: TenantId, session_id: SessionId, *, at: datetime) -> None:
        with self.lock:
            session = self.get(tenant_id, session_id)
            if session.is_ending(at):
                raise session_is_ending()
            if session.started_at is not None and session.outcome is None:
                self._count(session, at)
            del self.kept[session_id]

    def forget(self, *, before: datetime) -> int:
        old = [it for it in self.kept.values() if it.expires_at < before]
        for session in old:
            del self.kept[session.session_id]
        return len(old)

    def _held(self, session_id: SessionId) -> LivenessSession:
        session = self.kept.get(session_id)
        if session is None or self._subject_is_gone(session):
            raise session_not_found()
        return session

    def _subject_is_gone(self, session: LivenessSession) -> bool:
        token = session.order.user_token
        return token is not None and (session.tenant_id, token) not in self.references.people

    def _failures(self, name: _Name) -> SessionFailures:
        return self.failed.get(name, SessionFailures())

    def _count(self, session: LivenessSession, at: datetime) -> None:
        for name in _names(session):
            self.failed[name] = self._failures(name).after_failure(self.policy, at)

    def _count_lost(self, session: LivenessSession, at: datetime) -> None:
        for other in self._open_ones(session):
            if other.runs_until is not None and other.is_lost(at):
                self.kept[other.session_id] = replace(
                    other, outcome=LOST, ended_at=other.runs_until
                )
                self._count(other, other.runs_until)

    def _open_ones(self, session: LivenessSession) -> Sequence[LivenessSession]:
        mine = set(_names(session))
        others = (it for it in self.kept.values() if mine & set(_names(it)))
        begun = [(it.started_at, it) for it in others if it.started_at and it.outcome is None]
        return [it for _, it in sorted(begun, key=lambda it: it[0])]


def _names(session: LivenessSession) -> Sequence[_Name]:
    named = {"subject": session.order.user_token, "correlation": session.order.correlation_id}
    return [(session.tenant_id, kind, name) for kind, name in named.items() if name is not None]
