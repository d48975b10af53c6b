"""The rows of enrolled users: how they are found, held, read and written."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.references import ReferenceRecord, UserToken
from perse.domain.samples import ModelName
from perse.storage.absence import user_not_found
from perse.storage.schema import (
    Row,
    biometric_references,
    sealed_templates,
    tenant_keys,
    tenants,
)
from perse.storage.sealing import Owner

_RECORD = (
    biometric_references.c.user_token,
    biometric_references.c.model,
    biometric_references.c.quality,
    biometric_references.c.created_at,
    biometric_references.c.updated_at,
)


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
    return record_of(row)


def sealed_row(connection: sa.Connection, owner: Owner) -> Row:
    """Raises UserTokenNotFound."""
    row: Row | None = connection.execute(_sealed(owner)).one_or_none()
    if row is None:
        raise user_not_found()
    return row


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


def reference_id_of(
    connection: sa.Connection, owner: Owner, *, before: datetime | None = None
) -> int:
    """Hold the reference until the transaction ends. Raises UserTokenNotFound, also for one that
    was not updated ``before``."""
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


def columns_of(record: ReferenceRecord) -> dict[str, object]:
    """What an update overwrites; the tenant and the time of the enrolment stay."""
    return {
        "user_token": record.user_token,
        "model": record.model,
        "quality": json.dumps(dict(record.quality)),
        "updated_at": record.updated_at,
    }


def record_of(row: Row) -> ReferenceRecord:
    """Of a row as the queries here give it."""
    return ReferenceRecord(
        user_token=UserToken(row.user_token),
        model=ModelName(row.model),
        quality=json.loads(row.quality),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
