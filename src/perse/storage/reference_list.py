"""The list of a tenant's users: kept in memory, brought up to date by what changed since.

A tenant's row counts its changes. The list is read whole once; after that a reader fetches the
number and the changes it has not seen, whichever process made them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.references import UserToken, UserTokens
from perse.storage.database import Database
from perse.storage.schema import Row, biometric_references, reference_changes, tenants
from perse.storage.sealing import Owner

_CHANGES_KEPT = 1000
_TENANTS_KEPT = 16


def note_change(connection: sa.Connection, owner: Owner, *, removed: bool) -> None:
    """Count a user more or less, in the transaction that holds the tenant's row."""
    revision = connection.execute(
        sa.update(tenants)
        .where(tenants.c.tenant_id == owner.tenant_id)
        .values(
            revision=tenants.c.revision + 1,
            references_held=tenants.c.references_held + (-1 if removed else 1),
        )
        .returning(tenants.c.revision)
    ).scalar_one()
    connection.execute(
        sa.insert(reference_changes).values(
            tenant_id=owner.tenant_id,
            revision=revision,
            user_token=owner.user_token,
            removed=int(removed),
        )
    )
    connection.execute(
        sa.delete(reference_changes).where(
            reference_changes.c.tenant_id == owner.tenant_id,
            reference_changes.c.revision <= revision - _CHANGES_KEPT,
        )
    )


@dataclass(frozen=True, slots=True)
class _Snapshot:
    revision: int
    tokens: UserTokens


class SqlReferenceList:
    """Safe to share between threads; holds the lists of the tenants that asked last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._snapshots: OrderedDict[TenantId, _Snapshot] = OrderedDict()
        self._lock = threading.Lock()

    def tokens(self, tenant_id: TenantId) -> UserTokens:
        """Every user of the tenant, the oldest first, as of now."""
        known = self._snapshots.get(tenant_id)
        with self._database.read() as connection:
            revision = _revision(connection, tenant_id)
            if known is None or known.revision != revision:
                known = _Snapshot(revision, _current(connection, tenant_id, revision, known))
        self._keep(tenant_id, known)
        return known.tokens

    def page(
        self, tenant_id: TenantId, *, after: UserToken | None, limit: int
    ) -> Sequence[UserToken]:
        """At most ``limit`` users enrolled after ``after``, the oldest first."""
        references = biometric_references
        query = (
            sa.select(references.c.user_token)
            .where(references.c.tenant_id == tenant_id)
            .order_by(references.c.reference_id)
            .limit(limit)
        )
        if after is not None:
            mark = sa.select(references.c.reference_id).where(
                references.c.tenant_id == tenant_id, references.c.user_token == after
            )
            query = query.where(references.c.reference_id > mark.scalar_subquery())
        with self._database.read() as connection:
            return [UserToken(token) for token in connection.execute(query).scalars()]

    def total(self, tenant_id: TenantId) -> int:
        """How many users the tenant has."""
        query = sa.select(tenants.c.references_held).where(tenants.c.tenant_id == tenant_id)
        with self._database.read() as connection:
            return connection.execute(query).scalar() or 0

    def _keep(self, tenant_id: TenantId, snapshot: _Snapshot) -> None:
        with self._lock:
            self._snapshots[tenant_id] = snapshot
            self._snapshots.move_to_end(tenant_id)
            while len(self._snapshots) > _TENANTS_KEPT:
                self._snapshots.popitem(last=False)


def _revision(connection: sa.Connection, tenant_id: TenantId) -> int:
    query = sa.select(tenants.c.revision).where(tenants.c.tenant_id == tenant_id)
    return connection.execute(query).scalar() or 0


def _current(
    connection: sa.Connection, tenant_id: TenantId, revision: int, known: _Snapshot | None
) -> UserTokens:
    if known is not None and 0 < revision - known.revision <= _CHANGES_KEPT:
        changes = _changes(connection, tenant_id, since=known.revision)
        if len(changes) == revision - known.revision:
            return known.tokens.changed(
                (UserToken(row.user_token), bool(row.removed)) for row in changes
            )
    query = (
        sa.select(biometric_references.c.user_token)
        .where(biometric_references.c.tenant_id == tenant_id)
        .order_by(biometric_references.c.reference_id)
    )
    return UserTokens.of(connection.execute(query).scalars())


def _changes(connection: sa.Connection, tenant_id: TenantId, *, since: int) -> Sequence[Row]:
    return connection.execute(
        sa.select(reference_changes)
        .where(reference_changes.c.tenant_id == tenant_id, reference_changes.c.revision > since)
        .order_by(reference_changes.c.revision)
    ).all()
