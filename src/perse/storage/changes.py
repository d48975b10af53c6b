"""What changed of a tenant's subjects, so that lists and searches in memory can follow."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.quotas import Quota
from perse.domain.references import UserToken
from perse.domain.subjects import CollectionName
from perse.storage.quotas import check_room
from perse.storage.schema import Row, subject_changes, subjects, tenants
from perse.storage.sealing import Owner
from perse.storage.template_rows import is_subject

CHANGES_KEPT = 1000


class Change(IntEnum):
    """What became of a subject; those but the first two leave the list of subjects as it is.
    ``COLLECTION_REMOVED`` stands for all subjects of a collection, by the collection's name."""

    ADDED = 0
    REMOVED = 1
    TOUCHED = 2
    COLLECTION_REMOVED = 3

    @property
    def more_subjects(self) -> int:
        return {Change.ADDED: 1, Change.REMOVED: -1}.get(self, 0)


def note_change(
    connection: sa.Connection, owner: Owner, change: Change, *, more_templates: int = 0
) -> None:
    """Count a change of a subject, in the transaction that holds the tenant's row.
    ``more_templates``: below 0 for fewer. Raises QuotaExceeded."""
    _note(connection, owner.tenant_id, owner.user_token, change, more_templates=more_templates)


def note_removed_collection(
    connection: sa.Connection, tenant_id: TenantId, name: CollectionName
) -> None:
    """Count the end of a collection as one change, however many subjects were in it."""
    _note(connection, tenant_id, name, Change.COLLECTION_REMOVED)


def _note(
    connection: sa.Connection,
    tenant_id: TenantId,
    what: UserToken | CollectionName,
    change: Change,
    *,
    more_templates: int = 0,
) -> None:
    counted = connection.execute(
        sa.update(tenants)
        .where(tenants.c.tenant_id == tenant_id)
        .values(
            revision=tenants.c.revision + 1,
            subjects_held=tenants.c.subjects_held + change.more_subjects,
            templates_held=tenants.c.templates_held + more_templates,
        )
        .returning(tenants.c.revision, tenants.c.subjects_held, tenants.c.templates_held)
    ).one()
    revision = counted.revision
    people = {Quota.PEOPLE: counted.subjects_held} if change.more_subjects > 0 else {}
    samples = {Quota.SAMPLES: counted.templates_held} if more_templates > 0 else {}
    if people or samples:
        check_room(connection, tenant_id, people | samples)
    connection.execute(
        sa.insert(subject_changes).values(
            tenant_id=tenant_id,
            revision=revision,
            user_token=what,
            change=change,
        )
    )
    connection.execute(
        sa.delete(subject_changes).where(
            subject_changes.c.tenant_id == tenant_id,
            subject_changes.c.revision <= revision - CHANGES_KEPT,
        )
    )


def touch(connection: sa.Connection, owner: Owner, *, more_templates: int = 0) -> None:
    """Count a change of a subject that stays, also in its version."""
    connection.execute(
        sa.update(subjects).where(is_subject(owner)).values(version=subjects.c.version + 1)
    )
    note_change(connection, owner, Change.TOUCHED, more_templates=more_templates)


def revision_of(connection: sa.Connection, tenant_id: TenantId) -> int:
    """How many changes the tenant has seen."""
    query = sa.select(tenants.c.revision).where(tenants.c.tenant_id == tenant_id)
    return connection.execute(query).scalar() or 0


def changes_since(
    connection: sa.Connection, tenant_id: TenantId, revision: int, *, until: int
) -> Sequence[Row] | None:
    """The changes after ``revision`` up to ``until`` in their order; None where they are not all
    kept any more."""
    if not 0 <= until - revision <= CHANGES_KEPT:
        return None
    changes = connection.execute(
        sa.select(subject_changes)
        .where(subject_changes.c.tenant_id == tenant_id, subject_changes.c.revision > revision)
        .order_by(subject_changes.c.revision)
    ).all()
    return changes if len(changes) == until - revision else None
