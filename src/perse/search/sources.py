"""What a search needs of those who are enrolled: what changed, who there is, and what is sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from perse.domain.access import TenantId
from perse.domain.identification import AttributedTemplate
from perse.domain.references import BiometricReference, Modality, UserToken
from perse.domain.subjects import ChangedSubjects, CollectionName, EnrolledSubject
from perse.search.enrolled_rows import Enrolled
from perse.search.measured import Measured


class Feed(Protocol):
    """SubjectFeed, as far as it is needed here."""

    def revision(self, tenant_id: TenantId) -> int: ...

    def changes(self, tenant_id: TenantId, *, since: int) -> ChangedSubjects: ...

    def total(self, tenant_id: TenantId, modality: Modality | None = None) -> int: ...

    def read(
        self,
        tenant_id: TenantId,
        user_tokens: Iterable[UserToken],
        modality: Modality | None = None,
    ) -> Sequence[EnrolledSubject]: ...

    def read_after(
        self, tenant_id: TenantId, position: int, *, limit: int, modality: Modality | None = None
    ) -> Sequence[EnrolledSubject]: ...


@dataclass(frozen=True, slots=True)
class Searched:
    """Whose templates an index holds, and of which network."""

    tenant_id: TenantId
    modality: Modality
    measured: Measured

    def holds(self, reference: BiometricReference) -> bool:
        """Not those of another network, from which users may not have been moved yet."""
        same = reference.record.modality == self.modality
        return same and reference.template.model == self.measured.model

    def enrolled(self, subject: EnrolledSubject) -> Enrolled:
        templates = [it.template for it in subject.references if self.holds(it)]
        return Enrolled(subject.user_token, subject.collections, templates)


@dataclass(frozen=True, slots=True)
class PartSize:
    """How many subjects can be found, with so many templates in all and at most ``most`` of one."""

    subjects: int
    templates: int
    most: int

    def with_(self, other: PartSize) -> PartSize:
        """Of two parts that share nobody."""
        return PartSize(
            self.subjects + other.subjects,
            self.templates + other.templates,
            max(self.most, other.most),
        )


@dataclass(frozen=True, slots=True)
class Nearest:
    """Whose samples may be among those looked for, and, falling, the ``ceilings`` that their
    cosines are not above; somebody may be named more than once. ``rest``: that of all others, as
    in ``Found``."""

    tokens: Sequence[UserToken]
    ceilings: Sequence[float]
    rest: float


@dataclass(frozen=True, slots=True)
class SealedTruth:
    """The samples of subjects as they are stored now, who may have gone or left the collection.
    ``token``: who a number stands for."""

    searched: Searched
    feed: Feed
    token: Callable[[int], UserToken]
    collection: CollectionName | None

    def __call__(self, numbers: Sequence[int]) -> Iterable[AttributedTemplate]:
        tokens = [self.token(number) for number in numbers]
        return [
            AttributedTemplate(
                subject.user_token, reference.template, subject.external_id, reference
            )
            for subject in self.feed.read(self.searched.tenant_id, tokens, self.searched.modality)
            if self.collection is None or self.collection in subject.collections
            for reference in subject.references
            if self.searched.holds(reference)
        ]
