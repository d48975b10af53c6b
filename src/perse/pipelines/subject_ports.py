"""What work with subjects needs from the outside, as roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.identification import FusedIdentification, Identification, SearchTerms
from perse.domain.likeness import Likeness
from perse.domain.receipts import DestructionEvent, Receipt
from perse.domain.references import (
    BiometricReference,
    Modality,
    ReferenceRecord,
    SampleId,
    UserToken,
)
from perse.domain.retries import RetryKey
from perse.domain.subjects import (
    ChangedSubjects,
    Collection,
    CollectionName,
    EnrolledSubject,
    ExternalId,
    KeptSample,
    Place,
    Subject,
    SubjectDetails,
)


class SubjectStore(Protocol):
    """Subjects, apart by tenant. Each change and its ledger entry happen both or neither.

    All raise UserTokenNotFound for a subject that is not the tenant's. ``if_version``: only
    when the subject still has this version, else ChangedMeanwhile; None = in any case.
    """

    def create(
        self,
        user_token: UserToken,
        details: SubjectDetails,
        *,
        entry: ConsentEntry,
        retry: RetryKey | None = None,
    ) -> Subject:
        """A subject without samples; what ``retry`` made before, if it did.

        Raises AlreadyExists when another subject has the external id, CollectionNotFound,
        InvalidParameter when ``retry`` was used for another request, UserTokenNotFound when what
        it made has been deleted since.
        """
        ...

    def get(self, tenant_id: TenantId, user_token: UserToken) -> Subject: ...

    def with_external_id(self, tenant_id: TenantId, external_id: ExternalId) -> Subject:
        """Raises UserTokenNotFound."""
        ...

    def page(
        self,
        tenant_id: TenantId,
        *,
        after: Place | None,
        limit: int,
        collection: CollectionName | None = None,
    ) -> Sequence[Subject]:
        """At most ``limit`` subjects behind ``after``, who need not be there any more, the oldest
        first. Raises CollectionNotFound."""
        ...

    def change(
        self,
        user_token: UserToken,
        details: SubjectDetails,
        *,
        entry: ConsentEntry,
        if_version: int | None = None,
    ) -> Subject:
        """Put ``details`` in the place of what there was. Raises as ``create``."""
        ...

    def remove(
        self, user_token: UserToken, *, entry: ConsentEntry, if_version: int | None = None
    ) -> Receipt:
        """Destroy the subject with all its samples and their data keys."""
        ...


class SampleDestroyer(Protocol):
    """Whoever can end single samples; raises UserTokenNotFound as SampleStore."""

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
        """Destroy one sample and its data key. Raises SampleNotFound; also for one of another
        ``modality``, None = any, and one that was captured at ``not_captured_since`` or later."""
        ...


class SampleStore(SampleDestroyer, Protocol):
    """The samples of subjects, apart by tenant. Each change and its ledger entry happen both or
    neither. All raise UserTokenNotFound for a subject that is not the tenant's."""

    def add_sample(
        self,
        reference: BiometricReference,
        *,
        entry: ConsentEntry,
        most: int,
        retry: RetryKey | None = None,
    ) -> KeptSample:
        """Keep one more sample of the subject that ``reference`` names; failed comparisons stay
        counted. Where it has ``most`` of that modality already, the oldest is destroyed.
        What ``retry`` made before, if it did. Raises as ``sample_made_by``."""
        ...

    def add_first(
        self,
        reference: BiometricReference,
        details: SubjectDetails,
        *,
        created: ConsentEntry,
        entry: ConsentEntry,
        retry: RetryKey | None = None,
    ) -> ReferenceRecord:
        """Make the subject that ``reference`` names, with this sample: both or neither.
        ``created``: the entry of the subject, ``entry``: that of the sample. Raises as
        ``SubjectStore.create``."""
        ...

    def sample_made_by(
        self, tenant_id: TenantId, user_token: UserToken, retry: RetryKey
    ) -> ReferenceRecord | None:
        """The sample of this subject that ``retry`` made, if it did. Raises InvalidParameter when
        ``retry`` was used for another request, SampleNotFound when what it made was deleted."""
        ...

    def check(self, tenant_id: TenantId, user_token: UserToken) -> None:
        """Raises UserTokenNotFound."""
        ...

    def records(
        self, tenant_id: TenantId, user_token: UserToken, modality: Modality
    ) -> Sequence[ReferenceRecord]:
        """What is known of the samples beside the templates, the oldest first."""
        ...

    def references(
        self, tenant_id: TenantId, user_token: UserToken
    ) -> Sequence[BiometricReference]:
        """All samples of both modalities with their templates, the oldest first; possibly none.
        Raises StorageDamaged when what is stored was changed."""
        ...


class OldSamples(SampleDestroyer, Protocol):
    def not_captured_since(
        self, moment: datetime, *, limit: int
    ) -> Sequence[tuple[TenantId, UserToken, SampleId]]:
        """Samples older than that of subjects who have newer ones, the oldest first."""
        ...


class CollectionStore(Protocol):
    """Collections, apart by tenant."""

    def put(self, name: CollectionName, *, entry: ConsentEntry) -> tuple[Collection, bool]:
        """The collection of that name, and whether it was made now."""
        ...

    def get(self, tenant_id: TenantId, name: CollectionName) -> Collection:
        """Raises CollectionNotFound."""
        ...

    def all(self, tenant_id: TenantId) -> Sequence[Collection]:
        """By name."""
        ...

    def remove(self, name: CollectionName, *, entry: ConsentEntry) -> None:
        """Its subjects stay. Raises CollectionNotFound."""
        ...


class SubjectFeed(Protocol):
    """Everything that a search keeps in memory, and what has changed of it since. ``modality``:
    None = both."""

    def revisions(self) -> Mapping[TenantId, int]:
        """Of every tenant that has subjects: a number that rises with each change."""
        ...

    def revision(self, tenant_id: TenantId) -> int: ...

    def changes(self, tenant_id: TenantId, *, since: int) -> ChangedSubjects:
        """The subjects that were added, changed or removed after ``since``, and the collections
        that were removed."""
        ...

    def total(self, tenant_id: TenantId, modality: Modality | None = None) -> int:
        """How many samples the tenant has."""
        ...

    def read(
        self,
        tenant_id: TenantId,
        user_tokens: Iterable[UserToken],
        modality: Modality | None = None,
    ) -> Sequence[EnrolledSubject]:
        """Those of them that there are, also without samples of the modality."""
        ...

    def read_after(
        self, tenant_id: TenantId, position: int, *, limit: int, modality: Modality | None = None
    ) -> Sequence[EnrolledSubject]:
        """At most ``limit`` subjects that have samples of the modality, behind ``position`` in
        their order; 0 is before everybody."""
        ...


class KnownCollections(Protocol):
    """CollectionStore, for whoever only asks whether there is one."""

    def get(self, tenant_id: TenantId, name: CollectionName) -> Collection:
        """Raises CollectionNotFound."""
        ...


class FuseModalities(Protocol):
    """From the similarities of a face and of a voice to one, on their scale."""

    def similarity(self, face: float, voice: float) -> float: ...

    def supported(self, similarity: float) -> bool: ...

    def floors(self, fused: float) -> tuple[float, float]:
        """The similarities of a face and of a voice that are needed for a fused one, however much
        the other one says; infinity where none is enough."""
        ...


class SubjectSearch(Protocol):
    """Who of a tenant's subjects a capture is of. All raise IndexLoading while they are being read
    into memory, SearchMemoryExceeded, and ClusterUnavailable where other machines hold them and
    none answers; where some do, answers are ``partial``."""

    def check_ready(self, tenant_id: TenantId, modality: Modality) -> None: ...

    def identify(
        self, tenant_id: TenantId, modality: Modality, probe: Likeness, terms: SearchTerms
    ) -> Identification:
        """Among all that was stored before the call; whoever is a candidate is there."""
        ...

    def identify_fused(
        self,
        tenant_id: TenantId,
        probes: Mapping[Modality, Likeness],
        fusion: FuseModalities,
        terms: SearchTerms,
    ) -> FusedIdentification:
        """The same for a face and a voice of one person together. ``probes``: one of each."""
        ...
