"""Subjects in SQL. Each change, its ledger entry and its receipt are one
transaction; locks are taken in the order that ``references.py`` names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.receipts import Receipt
from perse.domain.references import UserToken
from perse.domain.retries import RetryKey
from perse.domain.subjects import CollectionName, ExternalId, Place, Subject, SubjectDetails
from perse.storage.changes import Change, note_change, touch
from perse.storage.database import Database
from perse.storage.destruction import DestroySubjects
from perse.storage.ledger import SqlLedger
from perse.storage.retry_keys import claim_retry
from perse.storage.schema import subjects
from perse.storage.sealing import Owner
from perse.storage.subject_rows import (
    check_external_id,
    check_version,
    collection_id,
    find_subject,
    make_subject,
    only_subject,
    put_into_collections,
    read_subjects,
    subjects_after,
)
from perse.storage.template_rows import lock_tenant, subject_id_of


@dataclass(frozen=True, slots=True)
class SqlSubjects:
    """Tenants kept apart. Errors: StorageUnavailable everywhere, and as the port says."""

    database: Database
    ledger: SqlLedger
    destroy: DestroySubjects

    def create(
        self,
        user_token: UserToken,
        details: SubjectDetails,
        *,
        entry: ConsentEntry,
        retry: RetryKey | None = None,
    ) -> Subject:
        """A subject without samples; what ``retry`` made before, if it did."""
        owner = Owner(entry.tenant_id, user_token)
        with self.database.write() as connection:
            lock_tenant(connection, owner.tenant_id)
            made = retry and claim_retry(connection, owner, retry, at=entry.at)
            if made:
                self.ledger.append_in(connection, [replace(entry, user_token=made.user_token)])
                return find_subject(connection, made)
            make_subject(connection, owner, details, at=entry.at)
            note_change(connection, owner, Change.ADDED)
            self.ledger.append_in(connection, [entry])
            return find_subject(connection, owner)

    def get(self, tenant_id: TenantId, user_token: UserToken) -> Subject:
        """Raises UserTokenNotFound."""
        with self.database.read() as connection:
            return find_subject(connection, Owner(tenant_id, user_token))

    def with_external_id(self, tenant_id: TenantId, external_id: ExternalId) -> Subject:
        """Raises UserTokenNotFound."""
        mine = subjects.c.tenant_id == tenant_id
        with self.database.read() as connection:
            return only_subject(connection, mine & (subjects.c.external_id == external_id))

    def page(
        self,
        tenant_id: TenantId,
        *,
        after: Place | None,
        limit: int,
        collection: CollectionName | None = None,
    ) -> Sequence[Subject]:
        """At most ``limit`` subjects behind ``after``, the oldest first. Raises
        CollectionNotFound."""
        with self.database.read() as connection:
            within = collection_id(connection, tenant_id, collection) if collection else None
            return read_subjects(connection, subjects_after(tenant_id, after, limit, within))

    def change(
        self,
        user_token: UserToken,
        details: SubjectDetails,
        *,
        entry: ConsentEntry,
        if_version: int | None = None,
    ) -> Subject:
        """Put ``details`` in the place of what there was."""
        owner = Owner(entry.tenant_id, user_token)
        with self.database.write() as connection:
            lock_tenant(connection, owner.tenant_id)
            subject_id = subject_id_of(connection, owner)
            check_version(connection, subject_id, if_version)
            check_external_id(connection, owner, details.external_id)
            connection.execute(
                sa.update(subjects)
                .where(subjects.c.subject_id == subject_id)
                .values(external_id=details.external_id)
            )
            put_into_collections(connection, owner.tenant_id, subject_id, details.collections)
            touch(connection, owner)
            self.ledger.append_in(connection, [entry])
            return find_subject(connection, owner)

    def remove(
        self, user_token: UserToken, *, entry: ConsentEntry, if_version: int | None = None
    ) -> Receipt:
        """Destroy the subject with all its samples and their data keys."""
        return self.destroy.subject(user_token, entry=entry, if_version=if_version)
