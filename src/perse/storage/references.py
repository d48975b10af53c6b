"""Enrolled users as /v0 knows them, in SQL: subjects with one face.

Each change, its ledger entry and its receipt are one transaction. The order of locks is the same
everywhere: the tenant's row, its subjects, the ledger's head.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.receipts import DestructionEvent, Receipt
from perse.domain.references import BiometricReference, Modality, ReferenceRecord, UserToken
from perse.domain.retries import RetryKey
from perse.errors import StorageUnavailable
from perse.storage.absence import user_not_found
from perse.storage.changes import Change, note_change, touch
from perse.storage.database import Database
from perse.storage.destruction import DestroySubjects
from perse.storage.ledger import SqlLedger
from perse.storage.retry_keys import claim_retry, retried
from perse.storage.schema import Row, subjects, templates
from perse.storage.sealing import Owner
from perse.storage.subject_rows import add_subject
from perse.storage.template_rows import (
    OpenRows,
    add_template,
    columns_of,
    lock_tenant,
    record_of,
    records,
    sealed,
    subject_id_of,
)
from perse.storage.tenant_keys import TenantKeys, across_rotations

_UNBLOCKED = {
    "failures_in_row": 0,
    "voice_failures_in_row": 0,
    "failures_total": 0,
    "blocked_until": None,
}


@dataclass(frozen=True, slots=True)
class SqlReferences:
    """Templates sealed one by one, tenants kept apart. Errors: StorageUnavailable everywhere.

    A user with several faces is known by the newest one.
    """

    database: Database
    tenant_keys: TenantKeys
    ledger: SqlLedger
    destroy: DestroySubjects

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
            face = replace(owner, sample_id=record.name)
            made = retry and claim_retry(connection, face, retry, at=entry.at)
            if made:
                self.ledger.append_in(connection, [replace(entry, user_token=made.user_token)])
                return find_record(connection, made)
            subject_id = add_subject(connection, owner, at=record.created_at)
            key = self.tenant_keys.sealing_key(connection, owner.tenant_id)
            add_template(connection, subject_id, reference, key)
            note_change(connection, owner, Change.ADDED, more_templates=1)
            self.ledger.append_in(connection, [entry])
        return record

    def made_by(self, tenant_id: TenantId, retry: RetryKey) -> ReferenceRecord | None:
        """What ``retry`` made before, if it did. Raises as ``add``."""
        with self.database.read() as connection:
            made = retried(connection, tenant_id, retry)
            return find_record(connection, made) if made else None

    def replace(self, reference: BiometricReference, *, entry: ConsentEntry) -> ReferenceRecord:
        """Put ``reference`` in the place of all faces of its user, who is unlocked. Raises
        UserTokenNotFound.

        The old templates and their data keys are gone from every file when this returns. Raises
        TracesRemain where that cannot be: what was replaced is replaced.
        """
        return across_rotations(lambda: self._replace(reference, entry))

    def _replace(self, reference: BiometricReference, entry: ConsentEntry) -> ReferenceRecord:
        owner = Owner(entry.tenant_id, reference.record.user_token)
        with self.database.write_and_erase() as connection:
            lock_tenant(connection, owner.tenant_id)
            subject_id = subject_id_of(connection, owner)
            gone = connection.execute(
                sa.delete(templates).where(
                    templates.c.subject_id == subject_id, templates.c.modality == Modality.FACE
                )
            ).rowcount
            key = self.tenant_keys.sealing_key(connection, owner.tenant_id)
            add_template(connection, subject_id, reference, key)
            connection.execute(
                sa.update(subjects)
                .where(subjects.c.subject_id == subject_id)
                .values(updated_at=reference.record.updated_at, **_UNBLOCKED)
            )
            touch(connection, owner, more_templates=1 - gone)
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
            subject_id_of(connection, owner)
            row = self._kept(connection, owner, before)
            if row is None:
                return False
            key = self.tenant_keys.sealing_key(connection, owner.tenant_id)
            connection.execute(
                sa.update(templates)
                .where(templates.c.template_id == row.template_id)
                .values(**columns_of(after, key))
            )
            touch(connection, owner)
            self.ledger.append_in(connection, [entry])
        return True

    def _kept(
        self, connection: sa.Connection, owner: Owner, compared: BiometricReference
    ) -> Row | None:
        """The row of what was compared, if it is still that."""
        rows = connection.execute(sealed(owner, Modality.FACE)).all()
        row = next((row for row in rows if row.sample_id == compared.record.name), None)
        if row is None or record_of(row) != compared.record:
            return None
        kept = OpenRows(self.tenant_keys, owner.tenant_id)(row)
        same = np.array_equal(kept.template.vector, compared.template.vector)
        return row if same else None

    def delete(
        self,
        user_token: UserToken,
        *,
        entry: ConsentEntry,
        event: DestructionEvent = DestructionEvent.DELETED,
        not_updated_since: datetime | None = None,
    ) -> Receipt:
        """Destroy a user with all templates and data keys. Raises UserTokenNotFound.

        They are gone from every file of SQLite when this returns.
        """
        return self.destroy.subject(
            user_token, entry=entry, event=event, not_updated_since=not_updated_since
        )

    def find(self, tenant_id: TenantId, user_token: UserToken) -> BiometricReference:
        """Raises UserTokenNotFound, or StorageDamaged when the row does not authenticate."""
        return across_rotations(lambda: self._find(Owner(tenant_id, user_token)))

    def _find(self, owner: Owner) -> BiometricReference:
        with self.database.read() as connection:
            row = _newest(connection, sealed(owner, Modality.FACE))
        return OpenRows(self.tenant_keys, owner.tenant_id)(row)

    def faces(self, tenant_id: TenantId, user_token: UserToken) -> Sequence[BiometricReference]:
        """All of the user's, the oldest first; one or more. Raises as ``find``."""
        return across_rotations(lambda: self._faces(Owner(tenant_id, user_token)))

    def _faces(self, owner: Owner) -> Sequence[BiometricReference]:
        with self.database.read() as connection:
            rows = connection.execute(sealed(owner, Modality.FACE)).all()
        if not rows:
            raise user_not_found()
        return list(map(OpenRows(self.tenant_keys, owner.tenant_id), rows))

    def record(self, tenant_id: TenantId, user_token: UserToken) -> ReferenceRecord:
        """What is known beside the template. Raises UserTokenNotFound."""
        with self.database.read() as connection:
            return find_record(connection, Owner(tenant_id, user_token))


def find_record(connection: sa.Connection, owner: Owner) -> ReferenceRecord:
    """Of the newest face. Raises UserTokenNotFound."""
    return record_of(_newest(connection, records(owner, Modality.FACE)))


def _newest(connection: sa.Connection, faces: sa.Select[*tuple[object, ...]]) -> Row:
    newest = faces.order_by(None).order_by(templates.c.template_id.desc()).limit(1)
    row: Row | None = connection.execute(newest).one_or_none()
    if row is None:
        raise user_not_found()
    return row
