"""Subjects, their samples and collections in memory, over the same people as /v0's users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.receipts import DestructionEvent, Receipt
from perse.domain.references import (
    BiometricReference,
    Modality,
    ReferenceRecord,
    SampleId,
    UserToken,
    sample_not_found,
)
from perse.domain.retries import RetryKey
from perse.domain.subjects import (
    Collection,
    CollectionName,
    ExternalId,
    KeptSample,
    Place,
    Subject,
    SubjectDetails,
    check_room_for_collection,
)
from perse.domain.throttling import Guesses
from perse.errors import (
    AlreadyExists,
    ChangedMeanwhile,
    CollectionNotFound,
    InvalidParameter,
    UserTokenNotFound,
)
from tests.fakes.storage import FakePerson, FakeReferences


@dataclass
class FakeCollections:
    users: FakeReferences
    made: dict[tuple[TenantId, CollectionName], datetime] = field(default_factory=dict)

    def put(self, name: CollectionName, *, entry: ConsentEntry) -> tuple[Collection, bool]:
        with self.users.lock:
            is_new = (entry.tenant_id, name) not in self.made
            if is_new:
                held = sum(tenant == entry.tenant_id for tenant, _ in self.made)
                check_room_for_collection(held)
                self.made[entry.tenant_id, name] = entry.at
                self.users.ledger.append([entry])
            return self.get(entry.tenant_id, name), is_new

    def get(self, tenant_id: TenantId, name: CollectionName) -> Collection:
        if (tenant_id, name) not in self.made:
            raise CollectionNotFound("no such collection")
        members = self._members(tenant_id, name)
        return Collection(name, len(members), self.made[tenant_id, name])

    def all(self, tenant_id: TenantId) -> Sequence[Collection]:
        names = sorted(name for tenant, name in self.made if tenant == tenant_id)
        return [self.get(tenant_id, name) for name in names]

    def remove(self, name: CollectionName, *, entry: ConsentEntry) -> None:
        with self.users.lock:
            self.get(entry.tenant_id, name)
            del self.made[entry.tenant_id, name]
            for person in self._members(entry.tenant_id, name):
                kept = person.details.collections - {name}
                person.details = replace(person.details, collections=kept)
                person.version += 1
            self.users.ledger.append([entry])

    def _members(self, tenant_id: TenantId, name: CollectionName) -> list[FakePerson]:
        people = self.users.people.items()
        return [
            person
            for (tenant, _), person in people
            if tenant == tenant_id and name in person.details.collections
        ]


@dataclass
class FakeSubjects:
    users: FakeReferences
    collections: FakeCollections

    def create(
        self,
        user_token: UserToken,
        details: SubjectDetails,
        *,
        entry: ConsentEntry,
        retry: RetryKey | None = None,
    ) -> Subject:
        with self.users.lock:
            made = retry and self.users.retried(entry.tenant_id, retry)
            if made:
                subject = self.get(entry.tenant_id, made.user_token)
                self.users.ledger.append([replace(entry, user_token=made.user_token)])
                return subject
            self._check(entry.tenant_id, details, user_token)
            self.users.claim(retry, entry, user_token)
            self.users.people[entry.tenant_id, user_token] = FakePerson(entry.at, entry.at, details)
            self.users.failed[entry.tenant_id, user_token] = Guesses()
            self.users.ledger.append([entry])
            return self.get(entry.tenant_id, user_token)

    def get(self, tenant_id: TenantId, user_token: UserToken) -> Subject:
        person = self.users.person(tenant_id, user_token)
        return Subject(
            user_token=user_token,
            external_id=person.details.external_id,
            collections=person.details.collections,
            faces=len(person.of_modality(Modality.FACE)),
            voices=len(person.of_modality(Modality.VOICE)),
            version=person.version,
            created_at=person.created_at,
            updated_at=person.updated_at,
        )

    def with_external_id(self, tenant_id: TenantId, external_id: ExternalId) -> Subject:
        for token in self._tokens(tenant_id):
            if self.users.people[tenant_id, token].details.external_id == external_id:
                return self.get(tenant_id, token)
        raise UserTokenNotFound("no such user")

    def page(
        self,
        tenant_id: TenantId,
        *,
        after: Place | None,
        limit: int,
        collection: CollectionName | None = None,
    ) -> Sequence[Subject]:
        if collection is not None:
            self.collections.get(tenant_id, collection)
        everybody = [self.get(tenant_id, token) for token in self._tokens(tenant_id)]
        return [
            it
            for it in sorted(everybody, key=_order)
            if (after is None or _order(it) > _order(after))
            and (collection is None or collection in it.collections)
        ][:limit]

    def change(
        self,
        user_token: UserToken,
        details: SubjectDetails,
        *,
        entry: ConsentEntry,
        if_version: int | None = None,
    ) -> Subject:
        with self.users.lock:
            person = self._unchanged(entry.tenant_id, user_token, if_version)
            self._check(entry.tenant_id, details, user_token)
            person.details = details
            person.version += 1
            self.users.ledger.append([entry])
            return self.get(entry.tenant_id, user_token)

    def remove(
        self, user_token: UserToken, *, entry: ConsentEntry, if_version: int | None = None
    ) -> Receipt:
        with self.users.lock:
            self._unchanged(entry.tenant_id, user_token, if_version)
            return self.users.delete(user_token, entry=entry)

    def _unchanged(
        self, tenant_id: TenantId, user_token: UserToken, version: int | None
    ) -> FakePerson:
        person = self.users.person(tenant_id, user_token)
        if version not in {None, person.version}:
            raise ChangedMeanwhile("another version")
        return person

    def _check(self, tenant_id: TenantId, details: SubjectDetails, user_token: UserToken) -> None:
        for name in details.collections:
            self.collections.get(tenant_id, name)
        for token in self._tokens(tenant_id):
            other = self.users.people[tenant_id, token].details.external_id
            if token != user_token and other is not None and other == details.external_id:
                raise AlreadyExists("another subject has it")

    def _tokens(self, tenant_id: TenantId) -> list[UserToken]:
        return list(self.users.tokens(tenant_id))


@dataclass
class FakeSamples:
    users: FakeReferences
    collections: FakeCollections | None = None

    def add_first(
        self,
        reference: BiometricReference,
        details: SubjectDetails,
        *,
        created: ConsentEntry,
        entry: ConsentEntry,
        retry: RetryKey | None = None,
    ) -> ReferenceRecord:
        token, collections = reference.record.user_token, self.collections
        with self.users.lock:
            by = retry and self.users.retries.get((entry.tenant_id, retry.key))
            if retry and by and retry.lasting:
                token, entry = by.user_token, replace(entry, user_token=by.user_token)
            made = retry and self.sample_made_by(entry.tenant_id, token, retry)
            if made:
                self.users.ledger.append([entry])
                return made
            subjects = FakeSubjects(self.users, collections or FakeCollections(self.users))
            subjects.create(token, details, entry=created)
            kept = self.add_sample(reference, entry=entry, most=1, retry=retry)
            self.users.people[entry.tenant_id, token].version = 1
            return kept.record

    def add_sample(
        self,
        reference: BiometricReference,
        *,
        entry: ConsentEntry,
        most: int,
        retry: RetryKey | None = None,
    ) -> KeptSample:
        with self.users.lock:
            record = reference.record
            person = self.users.person(entry.tenant_id, record.user_token)
            made = retry and self.sample_made_by(entry.tenant_id, record.user_token, retry)
            if made:
                self.users.ledger.append([entry])
                return KeptSample(made, None)
            self.users.claim(retry, entry, record.user_token, record.sample_id)
            same = person.of_modality(record.modality)
            gone = same[: max(0, len(same) - most + 1)]
            for old in gone:
                self._drop(entry.tenant_id, person, old)
            person.samples.append(reference)
            person.updated_at = record.updated_at
            person.version += 1
            displaced = self._displaced(entry, gone) if gone else None
            if displaced is None:
                self.users.ledger.append([entry])
            return KeptSample(record, displaced)

    def _displaced(self, entry: ConsentEntry, gone: Sequence[BiometricReference]) -> Receipt:
        return self.users.receipt_of(
            entry,
            DestructionEvent.SAMPLE_DELETED,
            gone[-1].record.user_token,
            templates=len(gone),
            sample_ids=[it.record.name for it in gone],
        )

    def sample_made_by(
        self, tenant_id: TenantId, user_token: UserToken, retry: RetryKey
    ) -> ReferenceRecord | None:
        try:
            known = self.users.retried(tenant_id, retry)
        except UserTokenNotFound:
            raise sample_not_found() from None
        if known is None:
            return None
        if known.user_token != user_token:
            raise InvalidParameter("another request")
        name = known.sample_id or SampleId(user_token)
        return self._sample(self.users.person(tenant_id, user_token), name).record

    def not_captured_since(
        self, moment: datetime, *, limit: int
    ) -> Sequence[tuple[TenantId, UserToken, SampleId]]:
        old = [
            (sample.record.updated_at, tenant_id, token, sample.record.name)
            for (tenant_id, token), person in self.users.people.items()
            for sample in person.samples
            if sample.record.updated_at < moment <= person.updated_at
        ]
        return [(tenant_id, token, name) for _, tenant_id, token, name in sorted(old)][:limit]

    def remove_sample(
        self,
        user_token: UserToken,
        sample_id: SampleId,
        *,
        entry: ConsentEntry,
        event: DestructionEvent = DestructionEvent.SAMPLE_DELETED,
        modality: Modality | None = None,
        not_captured_since: datetime | None = None,
    ) -> Receipt:
        with self.users.lock:
            person = self.users.person(entry.tenant_id, user_token)
            sample = self._sample(person, sample_id)
            if modality not in {None, sample.record.modality}:
                raise sample_not_found()
            if not_captured_since and sample.record.updated_at >= not_captured_since:
                raise sample_not_found()
            self._drop(entry.tenant_id, person, sample)
            person.version += 1
            return self.users.receipt_of(
                entry,
                event,
                user_token,
                templates=1,
                sample_ids=[sample_id],
            )

    def _drop(self, tenant_id: TenantId, person: FakePerson, sample: BiometricReference) -> None:
        person.samples = [it for it in person.samples if it is not sample]
        record = sample.record
        self.users.forget(tenant_id, record.user_token, record.name)

    def _sample(self, person: FakePerson, sample_id: SampleId) -> BiometricReference:
        for sample in person.samples:
            if sample.record.name == sample_id:
                return sample
        raise sample_not_found()

    def check(self, tenant_id: TenantId, user_token: UserToken) -> None:
        self.users.person(tenant_id, user_token)

    def records(
        self, tenant_id: TenantId, user_token: UserToken, modality: Modality
    ) -> Sequence[ReferenceRecord]:
        person = self.users.person(tenant_id, user_token)
        return [it.record for it in person.of_modality(modality)]

    def references(
        self, tenant_id: TenantId, user_token: UserToken
    ) -> Sequence[BiometricReference]:
        return list(self.users.person(tenant_id, user_token).samples)


def _order(place: Place | Subject) -> tuple[datetime, UserToken]:
    return place.created_at, place.user_token
