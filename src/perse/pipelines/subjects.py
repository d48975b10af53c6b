"""Make, change and destroy subjects and the collections that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perse.domain.access import Caller, TenantId
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.receipts import Receipt
from perse.domain.references import UserToken, new_user_token
from perse.domain.retries import RetryKey
from perse.domain.subjects import (
    Collection,
    CollectionName,
    ExternalId,
    Place,
    Subject,
    SubjectDetails,
)
from perse.errors import ChangedMeanwhile, UserTokenNotFound
from perse.pipelines.consent import RecordConsent, naming
from perse.pipelines.subject_ports import CollectionStore, SubjectStore

_TRIES = 5


@dataclass(frozen=True, slots=True)
class CreateSubject:
    """Use case: make a subject, who has no samples yet. Raises AlreadyExists when another one has
    the external id, and CollectionNotFound."""

    subjects: SubjectStore
    consent: RecordConsent
    new_token: Callable[[], UserToken] = new_user_token

    def __call__(
        self, caller: Caller, details: SubjectDetails, *, retry: RetryKey | None = None
    ) -> Subject:
        """A ``retry`` that has been answered before gets the same subject again."""
        token = self.new_token()
        entry = _entry(self.consent, caller, Processing.SUBJECT_CREATE)
        return self.subjects.create(token, details, entry=naming(entry, token), retry=retry)


@dataclass(frozen=True, slots=True)
class ChangeSubject:
    """Use case: change what a client says of a subject."""

    subjects: SubjectStore
    consent: RecordConsent

    def __call__(
        self,
        caller: Caller,
        user_token: UserToken,
        change: Callable[[SubjectDetails], SubjectDetails],
        *,
        if_version: int | None = None,
    ) -> Subject:
        """``change`` makes the new details out of those that there are when it is written.

        Raises UserTokenNotFound, AlreadyExists, CollectionNotFound; ChangedMeanwhile when the
        subject has not ``if_version`` any more, and when others change it all the time.
        """
        entry = _entry(self.consent, caller, Processing.SUBJECT_CHANGE, user_token)
        for _ in range(_TRIES - 1):
            try:
                return self._changed(change, entry, user_token, if_version)
            except ChangedMeanwhile:
                if if_version is not None:
                    raise
        return self._changed(change, entry, user_token, if_version)

    def _changed(
        self,
        change: Callable[[SubjectDetails], SubjectDetails],
        entry: ConsentEntry,
        user_token: UserToken,
        if_version: int | None,
    ) -> Subject:
        known = self.subjects.get(entry.tenant_id, user_token)
        details = change(SubjectDetails(known.external_id, known.collections))
        version = known.version if if_version is None else if_version
        return self.subjects.change(user_token, details, entry=entry, if_version=version)


@dataclass(frozen=True, slots=True)
class DeleteSubject:
    """Use case: destroy a subject with all samples, and say so in writing.

    Raises UserTokenNotFound, and ChangedMeanwhile when the subject has not ``if_version`` any more.
    """

    subjects: SubjectStore
    consent: RecordConsent

    def __call__(
        self, caller: Caller, user_token: UserToken, *, if_version: int | None = None
    ) -> Receipt:
        entry = _entry(self.consent, caller, Processing.DELETE, user_token)
        return self.subjects.remove(user_token, entry=entry, if_version=if_version)


@dataclass(frozen=True, slots=True)
class SubjectPage:
    """``behind``: where the next page begins; None = this was the last one."""

    subjects: Sequence[Subject]
    behind: Place | None


@dataclass(frozen=True, slots=True)
class ListSubjects:
    """Use case: the subjects of a tenant, the oldest first, page by page.

    Who is there from the first page to the last is seen once, whatever happens meanwhile. Raises
    CollectionNotFound.
    """

    subjects: SubjectStore
    collections: CollectionStore

    def __call__(
        self,
        tenant_id: TenantId,
        *,
        limit: int,
        after: Place | None = None,
        collection: CollectionName | None = None,
    ) -> SubjectPage:
        # One more than is told, to know whether there are more.
        found = self.subjects.page(tenant_id, after=after, limit=limit + 1, collection=collection)
        told = found[:limit]
        return SubjectPage(told, told[-1].place if len(found) > limit else None)

    def named(
        self,
        tenant_id: TenantId,
        external_id: ExternalId,
        *,
        collection: CollectionName | None = None,
    ) -> SubjectPage:
        """The subject of that external id, if there is one and it is in ``collection``."""
        if collection is not None:
            self.collections.get(tenant_id, collection)
        try:
            found = self.subjects.with_external_id(tenant_id, external_id)
        except UserTokenNotFound:
            return SubjectPage((), None)
        belongs = collection is None or collection in found.collections
        return SubjectPage((found,) if belongs else (), None)


@dataclass(frozen=True, slots=True)
class PutCollection:
    """Use case: make a collection where there is none of that name; and whether it was made."""

    collections: CollectionStore
    consent: RecordConsent

    def __call__(self, caller: Caller, name: CollectionName) -> tuple[Collection, bool]:
        entry = _entry(self.consent, caller, Processing.COLLECTION_CHANGE)
        return self.collections.put(name, entry=entry)


@dataclass(frozen=True, slots=True)
class RemoveCollection:
    """Use case: let a collection be no more; its subjects stay. Raises CollectionNotFound."""

    collections: CollectionStore
    consent: RecordConsent

    def __call__(self, caller: Caller, name: CollectionName) -> None:
        entry = _entry(self.consent, caller, Processing.COLLECTION_CHANGE)
        self.collections.remove(name, entry=entry)


def _entry(
    consent: RecordConsent,
    caller: Caller,
    processing: Processing,
    user_token: UserToken | None = None,
) -> ConsentEntry:
    """Of what nobody has to consent to."""
    return consent.entry(caller, processing, Declaration.NOT_NEEDED, user_token)
