"""The rows of subjects and of their templates: how they are found, held, read and written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.references import (
    BiometricReference,
    Modality,
    ReferenceRecord,
    SampleId,
    UserToken,
)
from perse.domain.samples import ModelName
from perse.storage.absence import user_not_found
from perse.storage.schema import Row, subjects, templates, tenant_keys, tenants
from perse.storage.sealing import Owner, open_template, seal_template
from perse.storage.tenant_keys import TenantKey, TenantKeys

_RECORD = (
    subjects.c.user_token,
    subjects.c.created_at.label("enrolled_at"),
    templates.c.template_id,
    templates.c.sample_id,
    templates.c.modality,
    templates.c.model,
    templates.c.quality,
    templates.c.created_at,
)


def lock_tenant(connection: sa.Connection, tenant_id: TenantId) -> None:
    """Hold the tenant until the transaction ends. Raises UserTokenNotFound for an erased one."""
    query = sa.select(tenants.c.tenant_id).where(tenants.c.tenant_id == tenant_id)
    if connection.execute(query.with_for_update()).first() is None:
        raise user_not_found()


def subject_id_of(
    connection: sa.Connection, owner: Owner, *, before: datetime | None = None
) -> int:
    """Hold the subject until the transaction ends. Raises UserTokenNotFound, also for one that
    was not updated ``before``."""
    query = sa.select(subjects.c.subject_id).where(is_subject(owner)).with_for_update()
    if before is not None:
        query = query.where(subjects.c.updated_at < before)
    found = connection.execute(query).scalar()
    if found is None:
        raise user_not_found()
    return int(found)


def is_subject(owner: Owner) -> sa.ColumnElement[bool]:
    """Whose subject it is, and which."""
    return sa.and_(
        subjects.c.tenant_id == owner.tenant_id, subjects.c.user_token == owner.user_token
    )


def add_template(
    connection: sa.Connection, subject_id: int, reference: BiometricReference, key: TenantKey
) -> None:
    """Keep a template of the subject, sealed for the tenant of ``key``."""
    record = reference.record
    connection.execute(
        sa.insert(templates).values(
            subject_id=subject_id,
            sample_id=record.name,
            created_at=record.updated_at,
            **columns_of(reference, key),
        )
    )


def columns_of(reference: BiometricReference, key: TenantKey) -> dict[str, object]:
    """What a template is overwritten with; whose it is and its time stay."""
    record = reference.record
    return {
        "modality": record.modality,
        "model": record.model,
        "quality": json.dumps(dict(record.quality)),
        "key_generation": key.generation,
        "envelope": seal_template(
            reference.template, owner_of(key.tenant_id, record), tenant_key=key.key
        ),
    }


def owner_of(tenant_id: TenantId, record: ReferenceRecord) -> Owner:
    """Whose template a record is of."""
    return Owner(tenant_id, record.user_token, record.sample_id)


def records(owner: Owner, modality: Modality | None) -> sa.Select[*tuple[object, ...]]:
    """The subject's templates without what is sealed, the oldest first; None = all."""
    return _of(records_query(), owner, modality).order_by(templates.c.template_id)


def sealed(owner: Owner, modality: Modality | None) -> sa.Select[*tuple[object, ...]]:
    """The same with what is sealed."""
    return _of(sealed_rows(), owner, modality).order_by(templates.c.template_id)


def records_query() -> sa.Select[*tuple[object, ...]]:
    """Everybody's templates without what is sealed."""
    return sa.select(*_RECORD).select_from(templates).join(subjects)


def sealed_rows() -> sa.Select[*tuple[object, ...]]:
    """The same with what is sealed and the tenant keys that open it, in one statement: a rotation
    cannot part them."""
    return (
        records_query()
        .add_columns(
            templates.c.key_generation,
            templates.c.envelope,
            tenant_keys.c.master_key_id,
            tenant_keys.c.wrapped_key,
        )
        .join(
            tenant_keys,
            sa.and_(
                tenant_keys.c.tenant_id == subjects.c.tenant_id,
                tenant_keys.c.generation == templates.c.key_generation,
            ),
        )
    )


def _of(
    query: sa.Select[*tuple[object, ...]], owner: Owner, modality: Modality | None
) -> sa.Select[*tuple[object, ...]]:
    query = query.where(is_subject(owner))
    return query if modality is None else query.where(templates.c.modality == modality)


def record_of(row: Row) -> ReferenceRecord:
    """Of a row as the queries here give it."""
    own = row.sample_id == row.user_token
    return ReferenceRecord(
        user_token=UserToken(row.user_token),
        model=ModelName(row.model),
        quality=json.loads(row.quality),
        created_at=row.enrolled_at if own else row.created_at,
        updated_at=row.created_at,
        sample_id=None if own else SampleId(row.sample_id),
        modality=Modality(row.modality),
    )


@dataclass(slots=True)
class OpenRows:
    """Opens one tenant's sealed rows; each key of the tenant's is unwrapped once."""

    tenant_keys: TenantKeys
    tenant_id: TenantId
    _keys: dict[bytes, bytes] = field(default_factory=dict, repr=False)

    def __call__(self, row: Row) -> BiometricReference:
        """Raises MasterKeyUnusable, or StorageDamaged for a row that does not authenticate."""
        record = record_of(row)
        template = open_template(
            row.envelope,
            owner_of(self.tenant_id, record),
            model=record.model,
            tenant_key=self._key(row),
        )
        return BiometricReference(record, template)

    def _key(self, row: Row) -> bytes:
        if row.wrapped_key not in self._keys:
            self._keys[row.wrapped_key] = self.tenant_keys.open(
                row.wrapped_key,
                tenant_id=self.tenant_id,
                generation=row.key_generation,
                master_key_id=row.master_key_id,
            )
        return self._keys[row.wrapped_key]
