"""Enrolment's ports in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np

from perse.domain.access import TenantId
from perse.domain.chains import CHAIN_START, ChainPoint
from perse.domain.consent import ChainedEntry, ConsentEntry, consent_chain
from perse.domain.receipts import Destruction, DestructionEvent, Receipt, token_sha256
from perse.domain.references import (
    BiometricReference,
    Modality,
    ReferenceRecord,
    SampleId,
    UserToken,
    UserTokens,
)
from perse.domain.retries import RetryKey
from perse.domain.subjects import SubjectDetails
from perse.domain.throttling import Guess, Guesses, GuessPolicy
from perse.errors import InvalidParameter, UserTokenNotFound

Key = tuple[TenantId, UserToken]
RETRY_KEY = partial(RetryKey.for_content, secret=bytes(32))


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
        self.links += consent_chain(self.key).links(entries, after=after)
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
        return consent_chain(self.key).broken(self.links, head=head)

    def point(self, seq: int) -> ChainPoint | None:
        return self.links[seq - 1].point if 0 < seq <= len(self.links) else None

    @property
    def entries(self) -> list[ConsentEntry]:
        return [link.entry for link in self.links]


@dataclass
class FakePerson:
    """A subject with the samples, the oldest first."""

    created_at: datetime
    updated_at: datetime
    details: SubjectDetails = field(default_factory=SubjectDetails)
    samples: list[BiometricReference] = field(default_factory=list)
    version: int = 1

    @classmethod
    def of(cls, reference: BiometricReference) -> FakePerson:
        record = reference.record
        return cls(record.created_at, record.updated_at, samples=[reference])

    def of_modality(self, modality: Modality) -> list[BiometricReference]:
        return [it for it in self.samples if it.record.modality is modality]


@dataclass(frozen=True)
class FakeRetry:
    """``request`` None: what it made is gone."""

    request: bytes | None
    user_token: UserToken
    sample_id: SampleId | None
    at: datetime
    lasting: bool = False


@dataclass
class FakeReferences:
    """ReferenceStore, ReferenceList, GuessLimiter and OldReferences over dictionaries."""

    ledger: FakeLedger = field(default_factory=FakeLedger)
    policy: GuessPolicy = field(default_factory=GuessPolicy)
    people: dict[Key, FakePerson] = field(default_factory=dict)
    failed: dict[Key, Guesses] = field(default_factory=dict)
    retries: dict[tuple[TenantId, bytes], FakeRetry] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add(
        self, reference: BiometricReference, *, entry: ConsentEntry, retry: RetryKey | None = None
    ) -> ReferenceRecord:
        with self.lock:
            made = retry and self.made_by(entry.tenant_id, retry)
            if made:
                self.ledger.append([replace(entry, user_token=made.user_token)])
                return made
            token = reference.record.user_token
            self.claim(retry, entry, token)
            self.people[entry.tenant_id, token] = FakePerson.of(reference)
            self.failed[entry.tenant_id, token] = Guesses()
            self.ledger.append([entry])
            return reference.record

    def claim(
        self,
        retry: RetryKey | None,
        entry: ConsentEntry,
        user_token: UserToken,
        sample_id: SampleId | None = None,
    ) -> None:
        if retry:
            made = FakeRetry(retry.request, user_token, sample_id, entry.at, retry.lasting)
            self.retries[entry.tenant_id, retry.key] = made

    def retried(self, tenant_id: TenantId, retry: RetryKey) -> FakeRetry | None:
        known = self.retries.get((tenant_id, retry.key))
        if known is None:
            return None
        if known.request is None:
            raise UserTokenNotFound("deleted since")
        if known.request != retry.request:
            raise InvalidParameter("another request")
        return known

    def made_by(self, tenant_id: TenantId, retry: RetryKey) -> ReferenceRecord | None:
        known = self.retried(tenant_id, retry)
        return self.record(tenant_id, known.user_token) if known else None

    def replace(self, reference: BiometricReference, *, entry: ConsentEntry) -> ReferenceRecord:
        with self.lock:
            key = entry.tenant_id, reference.record.user_token
            person = self.person(*key)
            kept = replace(reference.record, created_at=person.created_at)
            person.samples = [
                *person.of_modality(Modality.VOICE),
                replace(reference, record=kept),
            ]
            person.updated_at = kept.updated_at
            person.version += 1
            self.failed[key] = Guesses()
            self.ledger.append([entry])
            return kept

    def move(
        self, before: BiometricReference, after: BiometricReference, *, entry: ConsentEntry
    ) -> bool:
        with self.lock:
            person = self.person(entry.tenant_id, before.record.user_token)
            same = [
                number
                for number, kept in enumerate(person.samples)
                if kept.record == before.record
                and np.array_equal(kept.template.vector, before.template.vector)
            ]
            if not same:
                return False
            self.ledger.append([entry])
            person.samples[same[0]] = after
            person.version += 1
            return True

    def delete(
        self,
        user_token: UserToken,
        *,
        entry: ConsentEntry,
        event: DestructionEvent = DestructionEvent.DELETED,
        not_updated_since: datetime | None = None,
    ) -> Receipt:
        with self.lock:
            key = entry.tenant_id, user_token
            person = self.person(*key)
            if not_updated_since is not None and person.updated_at >= not_updated_since:
                raise UserTokenNotFound("updated since")
            del self.people[key], self.failed[key]
            self.forget(entry.tenant_id, user_token)
            return self.receipt_of(entry, event, user_token, templates=len(person.samples))

    def forget(
        self, tenant_id: TenantId, user_token: UserToken, sample_id: SampleId | None = None
    ) -> None:
        """Keep nothing of the requests that made the user, or only the sample."""
        for key, made in self.retries.items():
            mine = key[0] == tenant_id and made.user_token == user_token
            if mine and (sample_id is None or made.sample_id == sample_id):
                self.retries[key] = replace(made, request=None)

    def receipt_of(
        self,
        entry: ConsentEntry,
        event: DestructionEvent,
        user_token: UserToken,
        *,
        templates: int,
        sample_ids: Sequence[SampleId] = (),
    ) -> Receipt:
        """The receipt of what is gone, noted in the ledger."""
        destruction = Destruction(
            event=event,
            tenant_id=entry.tenant_id,
            subject_sha256=token_sha256(user_token),
            samples_sha256=[*map(token_sha256, sample_ids)],
            destroyed={"templates": templates, "data_keys": templates},
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

    def person(self, tenant_id: TenantId, user_token: UserToken) -> FakePerson:
        if (tenant_id, user_token) not in self.people:
            raise UserTokenNotFound("no such user")
        return self.people[tenant_id, user_token]

    def find(self, tenant_id: TenantId, user_token: UserToken) -> BiometricReference:
        faces = self.person(tenant_id, user_token).of_modality(Modality.FACE)
        if not faces:
            raise UserTokenNotFound("no such user")
        return faces[-1]

    def faces(self, tenant_id: TenantId, user_token: UserToken) -> Sequence[BiometricReference]:
        self.find(tenant_id, user_token)
        return self.person(tenant_id, user_token).of_modality(Modality.FACE)

    def record(self, tenant_id: TenantId, user_token: UserToken) -> ReferenceRecord:
        return self.find(tenant_id, user_token).record

    def tokens(self, tenant_id: TenantId) -> UserTokens:
        return UserTokens.of(token for tenant, token in self.people if tenant == tenant_id)

    def page(self, tenant_id: TenantId, *, after: UserToken | None, limit: int) -> UserTokens:
        tokens = list(self.tokens(tenant_id))
        if after is not None:
            tokens = tokens[tokens.index(after) + 1 :] if after in tokens else []
        return UserTokens.of(tokens[:limit])

    def total(self, tenant_id: TenantId) -> int:
        return len(self.tokens(tenant_id))

    def check(self, tenant_id: TenantId, user_token: UserToken, *, at: datetime) -> None:
        self.person(tenant_id, user_token)
        self.failed[tenant_id, user_token].check(self.policy, at)

    def record_guess(
        self, tenant_id: TenantId, user_token: UserToken, guess: Guess, *, at: datetime
    ) -> None:
        with self.lock:
            self.check(tenant_id, user_token, at=at)
            guesses = self.failed[tenant_id, user_token]
            self.failed[tenant_id, user_token] = guesses.after(guess, policy=self.policy, now=at)

    def owners(self, user_token: UserToken) -> Sequence[TenantId]:
        return [tenant for tenant, token in self.people if token == user_token]

    def unlock(self, tenant_id: TenantId, user_token: UserToken) -> None:
        self.person(tenant_id, user_token)
        self.failed[tenant_id, user_token] = Guesses()

    def not_updated_since(
        self, moment: datetime, *, limit: int
    ) -> Sequence[tuple[TenantId, UserToken]]:
        old = [key for key, person in self.people.items() if person.updated_at < moment]
        return sorted(old, key=lambda key: self.people[key].updated_at)[:limit]

    def forget_retries(self, *, before: datetime) -> int:
        old = [key for key, made in self.retries.items() if made.at < before and not made.lasting]
        for key in old:
            del self.retries[key]
        return len(old)


@dataclass(frozen=True)
class FakeGuesses:
    references: FakeReferences

    def check(self, tenant_id: TenantId, user_token: UserToken, *, at: datetime) -> None:
        self.references.check(tenant_id, user_token, at=at)

    def record(
        self, tenant_id: TenantId, user_token: UserToken, guess: Guess, *, at: datetime
    ) -> None:
        self.references.record_guess(tenant_id, user_token, guess, at=at)
