"""What is enrolled, for searches: dictionaries that count their changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from types import MappingProxyType

from perse.domain.access import TenantId
from perse.domain.references import (
    BiometricReference,
    Modality,
    ReferenceRecord,
    SampleId,
    Template,
    UserToken,
    new_user_token,
)
from perse.domain.subjects import (
    ChangedSubjects,
    Collection,
    CollectionName,
    EnrolledSubject,
    ExternalId,
    new_sample_id,
)
from perse.domain.token_ranges import TokenRange
from perse.errors import CollectionNotFound, PerseError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ACME, OTHER = TenantId("acme"), TenantId("other")
Key = tuple[TenantId, UserToken]


def sample(
    user_token: UserToken, template: Template, modality: Modality, quality: Mapping[str, float]
) -> BiometricReference:
    record = ReferenceRecord(
        user_token, template.model, quality, NOW, NOW, new_sample_id(), modality
    )
    return BiometricReference(record, template)


def _only(subject: EnrolledSubject, modality: Modality | None) -> EnrolledSubject:
    kept = [it for it in subject.references if modality in {None, it.record.modality}]
    return replace(subject, references=kept)


@dataclass(frozen=True)
class _Removed:
    """A collection, as a change."""

    name: CollectionName


@dataclass
class FakeFeed:
    """SubjectFeed and KnownCollections, and ways to change what it tells.

    ``kept``: of so many changes is known whose they were. Each of ``hooks`` is called before one
    reading and may change what there is. ``damaged``: only this tenant's readings fail; None = all.
    """

    kept: int = 1000
    held: dict[Key, EnrolledSubject] = field(default_factory=dict)
    changed: dict[TenantId, list[UserToken | _Removed]] = field(default_factory=dict)
    reads: int = 0
    fails_with: PerseError | None = None
    damaged: TenantId | None = None
    hooks: list[Callable[[], object]] = field(default_factory=list)
    among: TokenRange | None = None
    _positions: Iterator[int] = field(default_factory=lambda: count(1))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def within(self, among: TokenRange) -> FakeFeed:
        """The same, of these subjects alone."""
        return replace(self, among=among)

    def put(
        self,
        *templates: Template,
        tenant: TenantId = ACME,
        token: UserToken | None = None,
        collections: Iterable[str] = (),
        modality: Modality = Modality.FACE,
        quality: Mapping[str, float] = MappingProxyType({}),
        voices: Sequence[Template] = (),
    ) -> UserToken:
        """A subject with these samples, in the place of what there was of that token. ``voices``
        come after those of ``modality``, and are as good."""
        user_token = token or new_user_token()
        known = self.held.get((tenant, user_token))
        subject = EnrolledSubject(
            user_token,
            known.position if known else next(self._positions),
            frozenset(map(CollectionName, collections)),
            [
                *(sample(user_token, it, modality, quality) for it in templates),
                *(sample(user_token, it, Modality.VOICE, quality) for it in voices),
            ],
            ExternalId(f"external {user_token[:8]}"),
        )
        with self._lock:
            self.held[tenant, user_token] = subject
            self.changed.setdefault(tenant, []).append(user_token)
        return user_token

    def remove(self, token: UserToken, tenant: TenantId = ACME) -> None:
        with self._lock:
            del self.held[tenant, token]
            self.changed[tenant].append(token)

    def remove_collection(self, name: str, tenant: TenantId = ACME) -> None:
        """Its members stay."""
        gone = CollectionName(name)
        with self._lock:
            for (of, token), it in list(self.held.items()):
                if of == tenant:
                    self.held[of, token] = replace(it, collections=it.collections - {gone})
            self.changed.setdefault(tenant, []).append(_Removed(gone))

    def sample_of(self, token: UserToken, number: int = 0, tenant: TenantId = ACME) -> SampleId:
        return self.held[tenant, token].references[number].record.name

    def get(self, tenant_id: TenantId, name: CollectionName) -> Collection:
        """A collection that somebody is in."""
        members = [it for it in self._of(tenant_id).values() if name in it.collections]
        if not members:
            raise CollectionNotFound(f"there is no collection {name}")
        return Collection(name, len(members), NOW)

    def revisions(self) -> Mapping[TenantId, int]:
        return {tenant: len(changed) for tenant, changed in self.changed.items()}

    def revision(self, tenant_id: TenantId) -> int:
        return len(self.changed.get(tenant_id, ()))

    def changes(self, tenant_id: TenantId, *, since: int) -> ChangedSubjects:
        with self._lock:
            changed = self.changed.get(tenant_id, [])
            lost = not 0 <= len(changed) - since <= self.kept
            if lost:
                return ChangedSubjects(len(changed), None)
            removed = {it.name for it in changed[since:] if isinstance(it, _Removed)}
            tokens = {it for it in changed[since:] if not isinstance(it, _Removed)}
            if self.among:
                tokens = {it for it in tokens if it in self.among}
            return ChangedSubjects(len(changed), frozenset(tokens), frozenset(removed))

    def total(self, tenant_id: TenantId, modality: Modality | None = None) -> int:
        with self._lock:
            everybody = self._of(tenant_id).values()
            return sum(len(_only(it, modality).references) for it in everybody)

    def read(
        self,
        tenant_id: TenantId,
        user_tokens: Iterable[UserToken],
        modality: Modality | None = None,
    ) -> Sequence[EnrolledSubject]:
        with self._lock:
            self._reading(tenant_id)
            mine = self._of(tenant_id)
            return [_only(mine[token], modality) for token in user_tokens if token in mine]

    def read_after(
        self, tenant_id: TenantId, position: int, *, limit: int, modality: Modality | None = None
    ) -> Sequence[EnrolledSubject]:
        with self._lock:
            self._reading(tenant_id)
            all_ = [_only(it, modality) for it in self._of(tenant_id).values()]
            behind = [
                it for it in all_ if it.position > position and (it.references or not modality)
            ]
            return sorted(behind, key=lambda it: it.position)[:limit]

    def _of(self, tenant_id: TenantId) -> Mapping[UserToken, EnrolledSubject]:
        return {
            token: it
            for (tenant, token), it in self.held.items()
            if tenant == tenant_id and (self.among is None or token in self.among)
        }

    def _reading(self, tenant_id: TenantId) -> None:
        self.reads += 1
        if self.fails_with and self.damaged in {None, tenant_id}:
            raise self.fails_with
        if self.hooks:
            self.hooks.pop(0)()
