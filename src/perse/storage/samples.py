"""The samples of subjects in SQL. Each change, its ledger entry and its receipt are one
transaction; locks are taken in the order that ``references.py`` names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

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
from perse.domain.subjects import KeptSample, SubjectDetails
from perse.errors import SampleNotFound, StorageUnavailable, UserTokenNotFound
from perse.storage.changes import Change, note_change, touch
from perse.storage.database import Database
from perse.storage.destruction import DestroySubjects
from perse.storage.ledger import SqlLedger
from perse.storage.retry_keys import claim_retry, forget_requests, other_request, retried
from perse.storage.schema import Row, subjects, templates
from perse.storage.sealing import Owner
from perse.storage.subject_rows import insist_on_subject, make_subject
from perse.storage.template_rows import (
    OpenRows,
    add_template,
    lock_tenant,
    owner_of,
    record_of,
    records,
    sealed,
    subject_id_of,
)
from perse.storage.tenant_keys import TenantKeys, across_rotations


@dataclass(frozen=True, slots=True)
class SqlSamples:
    """Tenants kept apart. Errors: StorageUnavailable everywhere, and as the port says."""

    database: Database
    tenant_keys: TenantKeys
    ledger: SqlLedger
    destroy: DestroySubjects

    def add_sample(
        self,
        reference: BiometricReference,
        *,
        entry: ConsentEntry,
        most: int,
        retry: RetryKey | None = None,
    ) -> KeptSample:
        """Keep one more sample of the subject that ``reference`` names; the oldest of the
        modality is destroyed where there are ``most`` already.

        What was destroyed is gone from every file of SQLite when this returns; where a long reader
        keeps its log, at the next deletion or start.
        """
        kept = across_rotations(lambda: self._add(reference, entry, most, retry))
        if kept.displaced:
            with suppress(StorageUnavailable):  # what was kept is kept, and said to be
                self.database.erase_traces()
        return kept

    def _add(
        self,
        reference: BiometricReference,
        entry: ConsentEntry,
        most: int,
        retry: RetryKey | None,
    ) -> KeptSample:
        record = reference.record
        owner = owner_of(entry.tenant_id, record)
        with self.database.write() as connection:
            lock_tenant(connection, owner.tenant_id)
            subject_id = subject_id_of(connection, owner)
            with _told_of_sample():
                made = retry and claim_retry(connection, owner, retry, at=entry.at)
            if made:
                self.ledger.append_in(connection, [entry])
                return KeptSample(_made(connection, owner, made), None)
            oldest = _oldest_beyond(connection, owner, record.modality, most - 1)
            gone = [_destroy(connection, owner, row) for row in oldest]
            key = self.tenant_keys.sealing_key(connection, owner.tenant_id)
            add_template(connection, subject_id, reference, key)
            connection.execute(
                sa.update(subjects)
                .where(subjects.c.subject_id == subject_id)
                .values(updated_at=record.updated_at)
            )
            touch(connection, owner, more_templates=1 - len(gone))
            noted = self.ledger.append_in(connection, [entry])
            displaced = gone and self.destroy.receipt_in(
                connection,
                entry,
                DestructionEvent.SAMPLE_DELETED,
                templates=len(gone),
                noted=noted,
                sample_ids=gone,
            )
        return KeptSample(record, displaced or None)

    def add_first(
        self,
        reference: BiometricReference,
        details: SubjectDetails,
        *,
        created: ConsentEntry,
        entry: ConsentEntry,
        retry: RetryKey | None = None,
    ) -> ReferenceRecord:
        """Make the subject that ``reference`` names, with this sample, in one transaction."""
        return across_rotations(lambda: self._first(reference, details, created, entry, retry))

    def _first(
        self,
        reference: BiometricReference,
        details: SubjectDetails,
        created: ConsentEntry,
        entry: ConsentEntry,
        retry: RetryKey | None,
    ) -> ReferenceRecord:
        record = reference.record
        owner = owner_of(entry.tenant_id, record)
        with self.database.write() as connection:
            lock_tenant(connection, owner.tenant_id)
            with _told_of_sample():
                made = retry and claim_retry(connection, owner, retry, at=entry.at)
            if retry and made:
                if retry.lasting:  # it stands for the person as well, whoever has made them
                    owner, entry = made, replace(entry, user_token=made.user_token)
                self.ledger.append_in(connection, [entry])
                return _made(connection, owner, made)
            subject_id = make_subject(connection, owner, details, at=created.at)
            key = self.tenant_keys.sealing_key(connection, owner.tenant_id)
            add_template(connection, subject_id, reference, key)
            note_change(connection, owner, Change.ADDED, more_templates=1)
            self.ledger.append_in(connection, [created, entry])
        return record

    def not_captured_since(
        self, moment: datetime, *, limit: int
    ) -> Sequence[tuple[TenantId, UserToken, SampleId]]:
        """Samples older than that of subjects who have newer ones, the oldest first."""
        query = (
            sa.select(subjects.c.tenant_id, subjects.c.user_token, templates.c.sample_id)
            .join(templates)
            .where(templates.c.created_at < moment, subjects.c.updated_at >= moment)
            .order_by(templates.c.created_at)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [
                (TenantId(row.tenant_id), UserToken(row.user_token), SampleId(row.sample_id))
                for row in connection.execute(query)
            ]

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
        ``modality``, None = any, and one that was captured at ``not_captured_since`` or later.

        Both are gone from every file of SQLite when this returns.
        """
        owner = Owner(entry.tenant_id, user_token)
        with self.database.read() as connection:  # a guess costs nobody a turn at writing
            _find(connection, owner, sample_id, modality)
        with self.database.write_and_erase() as connection:
            lock_tenant(connection, owner.tenant_id)
            subject_id_of(connection, owner)
            row = _find(connection, owner, sample_id, modality)
            if not_captured_since is not None and row.created_at >= not_captured_since:
                raise sample_not_found()
            _destroy(connection, owner, row)
            touch(connection, owner, more_templates=-1)
            noted = self.ledger.append_in(connection, [entry])
            return self.destroy.receipt_in(
                connection,
                entry,
                event,
                templates=1,
                noted=noted,
                sample_ids=[sample_id],
            )

    def sample_made_by(
        self, tenant_id: TenantId, user_token: UserToken, retry: RetryKey
    ) -> ReferenceRecord | None:
        """The sample of this subject that ``retry`` made, if it did. Raises as the port says."""
        with self.database.read() as connection:
            with _told_of_sample():
                made = retried(connection, tenant_id, retry)
            if made is None:
                return None
            return _made(connection, Owner(tenant_id, user_token), made)

    def check(self, tenant_id: TenantId, user_token: UserToken) -> None:
        """Raises UserTokenNotFound."""
        with self.database.read() as connection:
            insist_on_subject(connection, Owner(tenant_id, user_token))

    def records(
        self, tenant_id: TenantId, user_token: UserToken, modality: Modality
    ) -> Sequence[ReferenceRecord]:
        """What is known of the samples beside the templates, the oldest first."""
        owner = Owner(tenant_id, user_token)
        with self.database.read() as connection:
            insist_on_subject(connection, owner)
            return [record_of(row) for row in connection.execute(records(owner, modality))]

    def references(
        self, tenant_id: TenantId, user_token: UserToken
    ) -> Sequence[BiometricReference]:
        """All samples of both modalities with their templates, the oldest first."""
        return across_rotations(lambda: self._references(Owner(tenant_id, user_token)))

    def _references(self, owner: Owner) -> Sequence[BiometricReference]:
        with self.database.read() as connection:
            insist_on_subject(connection, owner)
            rows = connection.execute(sealed(owner, None)).all()
        return list(map(OpenRows(self.tenant_keys, owner.tenant_id), rows))


@contextmanager
def _told_of_sample() -> Iterator[None]:
    """What a request made and is gone was a sample. Raises SampleNotFound."""
    try:
        yield
    except UserTokenNotFound as gone:
        raise SampleNotFound(gone.message) from None


def _find(
    connection: sa.Connection, owner: Owner, sample_id: SampleId, modality: Modality | None = None
) -> Row:
    """Raises UserTokenNotFound or SampleNotFound."""
    insist_on_subject(connection, owner)
    query = records(owner, modality).where(templates.c.sample_id == sample_id)
    row: Row | None = connection.execute(query).one_or_none()
    if row is None:
        raise sample_not_found()
    return row


def _made(connection: sa.Connection, owner: Owner, made: Owner) -> ReferenceRecord:
    """The sample that a request made before. Raises InvalidParameter for another subject's."""
    if made.user_token != owner.user_token:
        raise other_request()
    return record_of(_find(connection, made, made.sample_id or SampleId(made.user_token)))


def _oldest_beyond(
    connection: sa.Connection, owner: Owner, modality: Modality, most: int
) -> list[Row]:
    rows = connection.execute(records(owner, modality)).all()
    return list(rows[: max(0, len(rows) - most)])


def _destroy(connection: sa.Connection, owner: Owner, row: Row) -> SampleId:
    connection.execute(sa.delete(templates).where(templates.c.template_id == row.template_id))
    sample_id = SampleId(row.sample_id)
    forget_requests(connection, Owner(owner.tenant_id, owner.user_token, sample_id))
    return sample_id
