"""Enrolled users in SQL. Each change, its ledger entry and its receipt are one transaction.

The order of locks is the same everywhere: the tenant's row, its references, the ledger's head.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.receipts import Destruction, DestructionEvent, Receipt, token_sha256
from perse.domain.references import BiometricReference, ReferenceRecord, UserToken
from perse.domain.retries import RetryKey
from perse.errors import StorageUnavailable
from perse.storage.database import Database
from perse.storage.ledger import SqlLedger
from perse.storage.receipts import SqlReceipts
from perse.storage.reference_list import note_change
from perse.storage.reference_rows import (
    columns_of,
    find_record,
    lock_tenant,
    record_of,
    reference_id_of,
    sealed_row,
)
from perse.storage.retry_keys import claim_retry, forget_requests, retried
from perse.storage.schema import Row, biometric_references, sealed_templates
from perse.storage.sealing import Owner, open_template, seal_template
from perse.storage.tenant_keys import TenantKeys, across_rotations

_UNBLOCKED = {"failures_in_row": 0, "failures_total": 0, "blocked_until": None}


@dataclass(frozen=True, slots=True)
class SqlReferences:
    """Templates sealed per user, tenants kept apart. Errors: StorageUnavailable everywhere."""

    database: Database
    tenant_keys: TenantKeys
    ledger: SqlLedger
    receipts: SqlReceipts

    def add(
        self, reference: BiometricReference, *, entry: ConsentEntry, retry: RetryKey | None = None
    ) -> ReferenceRecord:
        """Keep a new user of ``entry``'s tenant; what ``retry`` made before, if it did.

        Raises InvalidParameter when ``retry`` was used for another request, UserTokenNotFound
        when what it made has been deleted since.
        """
        return across_rotations(lambda: self._add(reference, entry, retry))

    def _add(
        self, reference: BiometricReference, entry: ConsentEntry, retry: RetryKey | None
    ) -> ReferenceRecord:
        record, owner = reference.record, Owner(entry.tenant_id, reference.record.user_token)
        with self.database.write() as connection:
            lock_tenant(connection, owner.tenant_id)
            made = retry and claim_retry(connection, owner, retry, at=entry.at)
            if made:
                self.ledger.append_in(connection, [replace(entry, user_token=made)])
                return find_record(connection, Owner(owner.tenant_id, made))
            key = self.tenant_keys.sealing_key(connection, owner.tenant_id)
            reference_id = connection.execute(
                sa.insert(biometric_references)
                .values(
                    tenant_id=owner.tenant_id, created_at=record.created_at, **columns_of(record)
                )
                .returning(biometric_references.c.reference_id)
            ).scalar_one()
            connection.execute(
                sa.insert(sealed_templates).values(
                    reference_id=reference_id,
                    key_generation=key.generation,
                    envelope=seal_template(reference.template, owner, tenant_key=key.key),
                )
            )
            note_change(connection, owner, removed=False)
            self.ledger.append_in(connection, [entry])
        return record

    def made_by(self, tenant_id: TenantId, retry: RetryKey) -> ReferenceRecord | None:
        """What ``retry`` made before, if it did. Raises as ``add``."""
        with self.database.read() as connection:
            made = retried(connection, tenant_id, retry)
            return find_record(connection, Owner(tenant_id, made)) if made else None

    def replace(self, reference: BiometricReference, *, entry: ConsentEntry) -> ReferenceRecord:
        """Put ``reference`` in the place of its user's; it is unlocked. Raises UserTokenNotFound.

        The old template and its data key are gone from every file when this returns.
        """
        return across_rotations(lambda: self._replace(reference, entry))

    def _replace(self, reference: BiometricReference, entry: ConsentEntry) -> ReferenceRecord:
        owner = Owner(entry.tenant_id, reference.record.user_token)
        with self.database.write_and_erase() as connection:
            lock_tenant(connection, owner.tenant_id)
            self._put(connection, owner, reference, _UNBLOCKED)
            kept = find_record(connection, owner)
            self.ledger.append_in(connection, [entry])
        return kept

    def move(
        self, before: BiometricReference, after: BiometricReference, *, entry: ConsentEntry
    ) -> bool:
        """Put ``after`` in the place of ``before`` if that is still what is kept of its user;
        whether it was. Failed comparisons stay counted. Raises UserTokenNotFound.

        The old template and its data key are gone from every file when this returns; where a long
        reader keeps SQLite's log, at the next deletion or start.
        """
        moved = across_rotations(lambda: self._move(before, after, entry))
        if moved:
            with suppress(StorageUnavailable):  # what was moved is moved, and said to be
                self.database.erase_traces()
        return moved

    def _move(
        self, before: BiometricReference, after: BiometricReference, entry: ConsentEntry
    ) -> bool:
        owner = Owner(entry.tenant_id, before.record.user_token)
        with self.database.write() as connection:
            lock_tenant(connection, owner.tenant_id)
            if not _same(self._opened(sealed_row(connection, owner), owner), before):
                return False
            self._put(connection, owner, after, {})
            self.ledger.append_in(connection, [entry])
        return True

    def _put(
        self,
        connection: sa.Connection,
        owner: Owner,
        reference: BiometricReference,
        others: Mapping[str, object],
    ) -> None:
        """Overwrite what is kept of ``owner``, ``others`` beside it, under a new data key."""
        reference_id = reference_id_of(connection, owner)
        key = self.tenant_keys.sealing_key(connection, owner.tenant_id)
        connection.execute(
            sa.update(biometric_references)
            .where(biometric_references.c.reference_id == reference_id)
            .values(**columns_of(reference.record), **others)
        )
        connection.execute(
            sa.update(sealed_templates)
            .where(sealed_templates.c.reference_id == reference_id)
            .values(
                key_generation=key.generation,
                envelope=seal_template(reference.template, owner, tenant_key=key.key),
            )
        )

    def delete(
        self,
        user_token: UserToken,
        *,
        entry: ConsentEntry,
        event: DestructionEvent = DestructionEvent.DELETED,
        not_updated_since: datetime | None = None,
    ) -> Receipt:
        """Destroy a user's template and data key. Raises UserTokenNotFound.

        Both are gone from every file of SQLite when this returns.
        """
        owner = Owner(entry.tenant_id, user_token)
        self.record(owner.tenant_id, user_token)  # a guess costs nobody a turn at writing
        with self.database.write_and_erase() as connection:
            lock_tenant(connection, owner.tenant_id)
            reference_id = reference_id_of(connection, owner, before=not_updated_since)
            for table in (sealed_templates, biometric_references):
                connection.execute(sa.delete(table).where(table.c.reference_id == reference_id))
            forget_requests(connection, owner)
            note_change(connection, owner, removed=True)
            receipt = self.receipts.issue_in(
                connection,
                Destruction(
                    event=event,
                    tenant_id=owner.tenant_id,
                    subject_sha256=token_sha256(user_token),
                    destroyed={"templates": 1, "data_keys": 1},
                    at=entry.at,
                    ledger=self.ledger.append_in(connection, [entry]),
                ),
            )
        return receipt

    def find(self, tenant_id: TenantId, user_token: UserToken) -> BiometricReference:
        """Raises UserTokenNotFound, or StorageDamaged when the row does not authenticate."""
        return across_rotations(lambda: self._find(Owner(tenant_id, user_token)))

    def _find(self, owner: Owner) -> BiometricReference:
        with self.database.read() as connection:
            row = sealed_row(connection, owner)
        return self._opened(row, owner)

    def _opened(self, row: Row, owner: Owner) -> BiometricReference:
        key = self.tenant_keys.open(
            row.wrapped_key,
            tenant_id=owner.tenant_id,
            generation=row.key_generation,
            master_key_id=row.master_key_id,
        )
        record = record_of(row)
        template = open_template(row.envelope, owner, model=record.model, tenant_key=key)
        return BiometricReference(record, template)

    def record(self, tenant_id: TenantId, user_token: UserToken) -> ReferenceRecord:
        """What is known beside the template. Raises UserTokenNotFound."""
        with self.database.read() as connection:
            return find_record(connection, Owner(tenant_id, user_token))


def _same(kept: BiometricReference, compared: BiometricReference) -> bool:
    same_template = np.array_equal(kept.template.vector, compared.template.vector)
    return kept.record == compared.record and same_template
