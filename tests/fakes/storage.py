"""Enrolment's ports in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from perse.domain.access import TenantId
from perse.domain.consent import (
    CHAIN_START,
    ChainedEntry,
    ChainPoint,
    ConsentEntry,
    broken_links,
    chain,
)
from perse.domain.receipts import Destruction, DestructionEvent, Receipt, token_sha256
from perse.domain.references import BiometricReference, ReferenceRecord, UserToken, UserTokens
from perse.domain.retries import RetryKey
from perse.domain.throttling import Guesses, GuessPolicy
from perse.errors import InvalidParameter, UserTokenNotFound

Key = tuple[TenantId, UserToken]


@dataclass
class FakeClock:
    """Stands still until it is moved."""

    time: datetime = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_time(self, **duration: float) -> None:
        self.time += timedelta(**duration)


class FakeSigner:
    """Signs nothing: a readable stand-in for a JWS."""

    def sign(self, claims: Mapping[str, object]) -> str:
        return "signed." + json.dumps(claims)

    def verify(self, jws: str) -> Mapping[str, object]:
        if not jws.startswith("signed."):
            raise InvalidParameter("not signed")
        claims: Mapping[str, object] = json.loads(jws.removeprefix("signed."))
        return claims


@dataclass
class FakeLedger:
    links: list[ChainedEntry] = field(default_factory=list)
    key: bytes = bytes(32)
    fails_with: Exception | None = None

    def append(self, entries: Sequence[ConsentEntry]) -> ChainPoint:
        if self.fails_with:
            raise self.fails_with
        after = self.links[-1].point if self.links else CHAIN_START
        self.links += chain(entries, after=after, key=self.key)
        return self.links[-1].point

    def begin(self, entry: ConsentEntry) -> Future[None]:
        written: Future[None] = Future()
        try:
            self.append([entry])
        except Exception as problem:
            written.set_exception(problem)
        else:
            written.set_result(None)
        return written

    def problems(self) -> Iterator[str]:
        head = self.links[-1].point if self.links else CHAIN_START
        return broken_links(self.links, head=head, key=self.key)

    def point(self, seq: int) -> ChainPoint | None:
        return self.links[seq - 1].point if 0 < seq <= len(self.links) else None

    @property
    def entries(self) -> list[ConsentEntry]:
        return [link.entry for link in self.links]


@dataclass
class FakeReferences:
    """ReferenceStore, ReferenceList, GuessLimiter and OldReferences over dictionaries."""

    ledger: FakeLedger = field(default_factory=FakeLedger)
    policy: GuessPolicy = field(default_factory=GuessPolicy)
    held: dict[Key, BiometricReference] = field(default_factory=dict)
    failed: dict[Key, Guesses] = field(default_factory=dict)
    retries: dict[tuple[TenantId, bytes], tuple[bytes, UserToken, datetime]] = field(
        default_factory=dict
    )
    receipts: list[Receipt] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(
        self, reference: BiometricReference, *, entry: ConsentEntry, retry: RetryKey | None = None
    ) -> ReferenceRecord:
        with self._lock:
            made = retry and self.made_by(entry.tenant_id, retry)
            if made:
                self.ledger.append([replace(entry, user_token=made.user_token)])
                return made
            token = reference.record.user_token
            if retry:
                self.retries[entry.tenant_id, retry.key] = (retry.request, token, entry.at)
            self.held[entry.tenant_id, token] = reference
            self.failed[entry.tenant_id, token] = Guesses()
            self.ledger.append([entry])
            return reference.record

    def made_by(self, tenant_id: TenantId, retry: RetryKey) -> ReferenceRecord | None:
        known = self.retries.get((tenant_id, retry.key))
        if known is None:
            return None
        request, token, _ = known
        if (tenant_id, token) not in self.held:
            raise UserTokenNotFound("deleted since")
        if request != retry.request:
            raise InvalidParameter("another request")
        return self.record(tenant_id, token)

    def replace(self, reference: BiometricReference, *, entry: ConsentEntry) -> ReferenceRecord:
        with self._lock:
            key = entry.tenant_id, reference.record.user_token
            created_at = self.find(*key).record.created_at
            kept = replace(reference.record, created_at=created_at)
            self.held[key] = replace(reference, record=kept)
            self.failed[key] = Guesses()
            self.ledger.append([entry])
            return kept

    def move(
        self, before: BiometricReference, after: BiometricReference, *, entry: ConsentEntry
    ) -> bool:
        with self._lock:
            key = entry.tenant_id, before.record.user_token
            kept = self.find(*key)
            same = np.array_equal(kept.template.vector, before.template.vector)
            if kept.record != before.record or not same:
                return False
            self.ledger.append([entry])
            self.held[key] = after
            return True

    def delete(
        self,
        user_token: UserToken,
        *,
        entry: ConsentEntry,
        event: DestructionEvent = DestructionEvent.DELETED,
        not_updated_since: datetime | None = None,
    ) -> Receipt:
        with self._lock:
            key = entry.tenant_id, user_token
            updated_at = self.find(*key).record.updated_at
            if not_updated_since is not None and updated_at >= not_updated_since:
                raise UserTokenNotFound("updated since")
            del self.held[key], self.failed[key]
            destruction = Destruction(
                event=event,
                tenant_id=entry.tenant_id,
                subject_sha256=token_sha256(user_token),
                destroyed={"templates": 1, "data_keys": 1},
                at=entry.at,
                ledger=self.ledger.append([entry]),
            )
            claims = destruction.claims()
            self.receipts.append(
                Receipt(
                    str(claims["jti"]),
                    entry.tenant_id,
                    event,
                    destruction.subject_sha256,
                    entry.at,
                    FakeSigner().sign(claims),
                )
            )
            return self.receipts[-1]

    def find(self, tenant_id: TenantId, user_token: UserToken) -> BiometricReference:
        if (tenant_id, user_token) not in self.held:
            raise UserTokenNotFound("no such user")
        return self.held[tenant_id, user_token]

    def record(self, tenant_id: TenantId, user_token: UserToken) -> ReferenceRecord:
        return self.find(tenant_id, user_token).record

    def tokens(self, tenant_id: TenantId) -> UserTokens:
        return UserTokens.of(token for tenant, token in self.held if tenant == tenant_id)

    def page(self, tenant_id: TenantId, *, after: UserToken | None, limit: int) -> UserTokens:
        tokens = list(self.tokens(tenant_id))
        if after is not None:
            tokens = tokens[tokens.index(after) + 1 :] if after in tokens else []
        return UserTokens.of(tokens[:limit])

    def total(self, tenant_id: TenantId) -> int:
        return len(self.tokens(tenant_id))

    def check(self, tenant_id: TenantId, user_token: UserToken, *, at: datetime) -> None:
        self.find(tenant_id, user_token)
        self.failed[tenant_id, user_token].check(self.policy, at)

    def record_guess(
        self, tenant_id: TenantId, user_token: UserToken, *, matched: bool, at: datetime
    ) -> None:
        with self._lock:
            self.check(tenant_id, user_token, at=at)
            guesses = self.failed[tenant_id, user_token]
            self.failed[tenant_id, user_token] = guesses.after(
                matched=matched, policy=self.policy, now=at
            )

    def owners(self, user_token: UserToken) -> Sequence[TenantId]:
        return [tenant for tenant, token in self.held if token == user_token]

    def unlock(self, tenant_id: TenantId, user_token: UserToken) -> None:
        self.find(tenant_id, user_token)
        self.failed[tenant_id, user_token] = Guesses()

    def not_updated_since(
        self, moment: datetime, *, limit: int
    ) -> Sequence[tuple[TenantId, UserToken]]:
        old = [key for key, kept in self.held.items() if kept.record.updated_at < moment]
        return sorted(old, key=lambda key: self.held[key].record.updated_at)[:limit]

    def forget_retries(self, *, before: datetime) -> int:
        old = [key for key, (_, _, at) in self.retries.items() if at < before]
        for key in old:
            del self.retries[key]
        return len(old)


@dataclass(frozen=True)
class FakeGuesses:
    references: FakeReferences

    def check(self, tenant_id: TenantId, user_token: UserToken, *, at: datetime) -> None:
        self.references.check(tenant_id, user_token, at=at)

    def record(
        self, tenant_id: TenantId, user_token: UserToken, *, matched: bool, at: datetime
    ) -> None:
        self.references.record_guess(tenant_id, user_token, matched=matched, at=at)
