"""Enrolled users in SQL. Each change, its ledger entry and its receipt are one transaction.

The order of locks is the same everywhere: the tenant's row, its references, the ledger's head.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.receipts import Destruction, DestructionEvent, Receipt, token_sha256
from perse.domain.references import BiometricReference, ReferenceRecord, UserToken
from perse.domain.retries import RetryKey
from perse.domain.samples import ModelName
from perse.storage.absence import user_not_found
from perse.storage.database import Database
from perse.storage.ledger import SqlLedger
from perse.storage.receipts import SqlReceipts
from perse.storage.reference_list import note_change
from perse.storage.retry_keys import claim_retry, forget_requests, retried
from perse.storage.schema import (
    Row,
    biometric_references,
    sealed_templates,
    tenant_keys,
    tenants,
)
from perse.storage.sealing import Owner, open_template, seal_template
from perse.storage.tenant_keys import TenantKeys, across_rotations

_RECORD = (
    biometric_references.c.user_token,
    biometric_references.c.model,
    biometric_references.c.quality,
    biometric_references.c.created_at,
    biometric_references.c.updated_at,
)
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
                .values(tenant_id=owner.tenant_id, created_at=record.created_at, **_columns(record))
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
        record, owner = reference.record, Owner(entry.tenant_id, reference.record.user_token)
        with self.database.write_and_erase() as connection:
            lock_tenant(connection, owner.tenant_id)
            reference_id = _reference_id(connection, owner)
            key = self.tenant_keys.sealing_key(connection, owner.tenant_id)
            connection.execute(
                sa.update(biometric_references)
                .where(biometric_references.c.reference_id == reference_id)
                .values(**_columns(record), **_UNBLOCKED)
            )
            connection.execute(
                sa.update(sealed_templates)
                .where(sealed_templates.c.reference_id == reference_id)
                .values(
                    key_generation=key.generation,
                    envelope=seal_template(reference.template, owner, tenant_key=key.key),
                )
            )
            kept = find_record(connection, owner)
            self.ledger.append_in(connection, [entry])
        return kept

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
            reference_id = _reference_id(connection, owner, before=not_updated_since)
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
            row = connection.execute(_sealed(owner)).one_or_none()
        if row is None:
            raise user_not_found()
        key = self.tenant_keys.open(
            row.wrapped_key,
            tenant_id=owner.tenant_id,
            generation=row.key_generation,
            master_key_id=row.master_key_id,
        )
        record = _record(row)
        template = open_template(row.envelope, owner, model=record.model, tenant_key=key)
        return BiometricReference(record, template)

    def record(self, tenant_id: TenantId, user_token: UserToken) -> ReferenceRecord:
        """What is known beside the template. Raises UserTokenNotFound."""
        with self.database.read() as connection:
            return find_record(connection, Owner(tenant_id, user_token))


def lock_tenant(connection: sa.Connection, tenant_id: TenantId) -> None:
    """Hold the tenant until the transaction ends. Raises UserTokenNotFound for an erased one."""
    query = sa.select(tenants.c.tenant_id).where(tenants.c.tenant_id == tenant_id)
    if connection.execute(query.with_for_update()).first() is None:
        raise user_not_found()


def find_record(connection: sa.Connection, owner: Owner) -> ReferenceRecord:
    """Raises UserTokenNotFound."""
    row = connection.execute(sa.select(*_RECORD).where(_is(owner))).one_or_none()
    if row is None:
        raise user_not_found()
    return _record(row)


def _sealed(owner: Owner) -> sa.Select[*tuple[object, ...]]:
    """Template and the tenant key that opens it, in one statement: a rotation cannot part them."""
    return (
        sa.select(
            *_RECORD,
            sealed_templates.c.key_generation,
            sealed_templates.c.envelope,
            tenant_keys.c.master_key_id,
            tenant_keys.c.wrapped_key,
        )
        .select_from(biometric_references)
        .join(sealed_templates)
        .join(
            tenant_keys,
            sa.and_(
                tenant_keys.c.tenant_id == biometric_references.c.tenant_id,
                tenant_keys.c.generation == sealed_templates.c.key_generation,
            ),
        )
        .where(_is(owner))
    )


def _reference_id(
    connection: sa.Connection, owner: Owner, *, before: datetime | None = None
) -> int:
    query = sa.select(biometric_references.c.reference_id).where(_is(owner)).with_for_update()
    if before is not None:
        query = query.where(biometric_references.c.updated_at < before)
    found = connection.execute(query).scalar()
    if found is None:
        raise user_not_found()
    return int(found)


def _is(owner: Owner) -> sa.ColumnElement[bool]:
    return sa.and_(
        biometric_references.c.tenant_id == owner.tenant_id,
        biometric_references.c.user_token == owner.user_token,
    )


def _columns(record: ReferenceRecord) -> dict[str, object]:
    return {
        "user_token": record.user_token,
        "model": record.model,
        "quality": json.dumps(dict(record.quality)),
        "updated_at": record.updated_at,
    }


def _record(row: Row) -> ReferenceRecord:
    return ReferenceRecord(
        user_token=UserToken(row.user_token),
        model=ModelName(row.model),
        quality=json.loads(row.quality),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
