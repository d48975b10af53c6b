"""What searches keep in memory, read in bulk, and what has changed of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final, Self

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.references import Modality, UserToken
from perse.domain.subjects import ChangedSubjects, CollectionName, EnrolledSubject, ExternalId
from perse.domain.token_ranges import TokenRange
from perse.storage.changes import Change, changes_since, revision_of
from perse.storage.database import Database
from perse.storage.schema import subjects, templates, tenants
from perse.storage.subject_rows import collections_where
from perse.storage.template_rows import OpenRows, sealed_rows
from perse.storage.tenant_keys import TenantKeys, across_rotations

_SUBJECTS: Final = sa.select(subjects.c.subject_id, subjects.c.user_token, subjects.c.external_id)

_template_id = attrgetter("template_id")


@dataclass(frozen=True, slots=True)
class SqlSubjectFeed:
    """Errors: StorageUnavailable everywhere, StorageDamaged where a template does not open.
    ``among``: only these subjects are told of, and opened; None = all. Revisions count all."""

    database: Database
    tenant_keys: TenantKeys
    among: TokenRange | None = None

    def within(self, among: TokenRange) -> Self:
        """Of these subjects alone."""
        return replace(self, among=among)

    def revisions(self) -> Mapping[TenantId, int]:
        """Of every tenant that has subjects: a number that rises with each change."""
        query = sa.select(tenants.c.tenant_id, tenants.c.revision).where(
            tenants.c.subjects_held > 0
        )
        with self.database.read() as connection:
            return {TenantId(row.tenant_id): row.revision for row in connection.execute(query)}

    def revision(self, tenant_id: TenantId) -> int:
        with self.database.read() as connection:
            return revision_of(connection, tenant_id)

    def changes(self, tenant_id: TenantId, *, since: int) -> ChangedSubjects:
        """The subjects that were added, changed or removed after ``since``."""
        with self.database.read() as connection:
            revision = revision_of(connection, tenant_id)
            changes = changes_since(connection, tenant_id, since, until=revision)
        if changes is None:
            return ChangedSubjects(revision, None)
        removed = {it.user_token for it in changes if it.change == Change.COLLECTION_REMOVED}
        changed = {it.user_token for it in changes if it.change != Change.COLLECTION_REMOVED}
        return ChangedSubjects(
            revision,
            frozenset(it for it in map(UserToken, changed) if self._has(it)),
            frozenset(map(CollectionName, removed)),
        )

    def total(self, tenant_id: TenantId, modality: Modality | None = None) -> int:
        """How many samples the tenant has."""
        query = (
            sa.select(tenants.c.templates_held).where(tenants.c.tenant_id == tenant_id)
            if modality is None and self.among is None
            else sa.select(sa.func.count())
            .select_from(templates)
            .join(subjects)
            .where(
                subjects.c.tenant_id == tenant_id,
                sa.true() if modality is None else templates.c.modality == modality,
                self._is_among,
            )
        )
        with self.database.read() as connection:
            return connection.execute(query).scalar() or 0

    def read(
        self,
        tenant_id: TenantId,
        user_tokens: Iterable[UserToken],
        modality: Modality | None = None,
    ) -> Sequence[EnrolledSubject]:
        """Those of them that there are, also without samples of the modality."""
        among = subjects.c.user_token.in_(list(user_tokens))
        return across_rotations(lambda: self._read(tenant_id, among, modality))

    def read_after(
        self, tenant_id: TenantId, position: int, *, limit: int, modality: Modality | None = None
    ) -> Sequence[EnrolledSubject]:
        """At most ``limit`` subjects that have samples of the modality, behind ``position`` in
        their order."""
        behind = subjects.c.subject_id > position
        if modality is not None:
            behind = sa.and_(behind, _has(modality))
        return across_rotations(lambda: self._read(tenant_id, behind, modality, limit))

    def _read(
        self,
        tenant_id: TenantId,
        among: sa.ColumnElement[bool],
        modality: Modality | None,
        limit: int | None = None,
    ) -> Sequence[EnrolledSubject]:
        """Others than the first query name subjects by the same condition up to the last one found:
        a list of a thousand numbers is slower than what it asks for."""
        mine = sa.and_(subjects.c.tenant_id == tenant_id, among, self._is_among)
        with self.database.read() as connection:
            query = _SUBJECTS.where(mine).order_by(subjects.c.subject_id).limit(limit)
            found = {row.subject_id: row for row in connection.execute(query)}
            if not found:
                return []
            mine = sa.and_(mine, subjects.c.subject_id <= max(found))
            names = collections_where(connection, mine)
            # Sorted here: a database might go through all templates to have them in their order.
            sealed = sealed_rows().where(mine)
            if modality is not None:
                sealed = sealed.where(templates.c.modality == modality)
            rows = sorted(connection.execute(sealed), key=_template_id)
        opened, samples = OpenRows(self.tenant_keys, tenant_id), defaultdict(list)
        for row in rows:
            samples[row.user_token].append(opened(row))
        return [
            EnrolledSubject(
                UserToken(row.user_token),
                number,
                names.get(number, frozenset()),
                samples[row.user_token],
                None if row.external_id is None else ExternalId(row.external_id),
            )
            for number, row in found.items()
        ]

    def _has(self, user_token: UserToken) -> bool:
        return self.among is None or user_token in self.among

    @property
    def _is_among(self) -> sa.ColumnElement[bool]:
        if self.among is None:
            return sa.true()
        first = subjects.c.user_token >= self.among.first
        return first if self.among.end is None else first & (subjects.c.user_token < self.among.end)


def _has(modality: Modality) -> sa.ColumnElement[bool]:
    """Whether a subject has a sample of it."""
    mine = sa.select(templates.c.template_id).where(
        templates.c.subject_id == subjects.c.subject_id, templates.c.modality == modality
    )
    return mine.correlate(subjects).exists()
