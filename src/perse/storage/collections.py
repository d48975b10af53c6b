"""Collections of subjects in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.subjects import Collection, CollectionName, check_room_for_collection
from perse.errors import CollectionNotFound
from perse.storage.changes import note_removed_collection
from perse.storage.database import Database
from perse.storage.ledger import SqlLedger
from perse.storage.schema import Row, collection_members, collections, subjects
from perse.storage.subject_rows import collection_id
from perse.storage.template_rows import lock_tenant

_SUBJECTS = (
    sa.select(sa.func.count())
    .where(collection_members.c.collection_id == collections.c.collection_id)
    .scalar_subquery()
)
_COLLECTIONS = sa.select(collections, _SUBJECTS.label("subjects"))


@dataclass(frozen=True, slots=True)
class SqlCollections:
    """Tenants kept apart. Errors: StorageUnavailable everywhere, and as the port says."""

    database: Database
    ledger: SqlLedger

    def put(self, name: CollectionName, *, entry: ConsentEntry) -> tuple[Collection, bool]:
        """The collection of that name, and whether it was made now."""
        with self.database.write() as connection:
            lock_tenant(connection, entry.tenant_id)
            known = _find(connection, entry.tenant_id, name)
            if known:
                return known, False
            _check_room(connection, entry.tenant_id)
            connection.execute(
                sa.insert(collections).values(
                    tenant_id=entry.tenant_id, name=name, created_at=entry.at
                )
            )
            self.ledger.append_in(connection, [entry])
        return Collection(name, 0, entry.at), True

    def get(self, tenant_id: TenantId, name: CollectionName) -> Collection:
        """Raises CollectionNotFound."""
        with self.database.read() as connection:
            known = _find(connection, tenant_id, name)
        if known is None:
            raise CollectionNotFound(f"there is no collection {name}")
        return known

    def all(self, tenant_id: TenantId) -> Sequence[Collection]:
        """By name."""
        query = _COLLECTIONS.where(collections.c.tenant_id == tenant_id)
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(collections.c.name)).all()
        return list(map(_collection, rows))

    def remove(self, name: CollectionName, *, entry: ConsentEntry) -> None:
        """Its subjects stay. Raises CollectionNotFound."""
        with self.database.write() as connection:
            lock_tenant(connection, entry.tenant_id)
            gone = collection_id(connection, entry.tenant_id, name)
            mine = collection_members.c.collection_id == gone
            members = sa.select(collection_members.c.subject_id).where(mine)
            connection.execute(
                sa.update(subjects)
                .where(subjects.c.subject_id.in_(members))
                .values(version=subjects.c.version + 1)
            )
            connection.execute(sa.delete(collection_members).where(mine))
            connection.execute(sa.delete(collections).where(collections.c.collection_id == gone))
            note_removed_collection(connection, entry.tenant_id, name)
            self.ledger.append_in(connection, [entry])


def _check_room(connection: sa.Connection, tenant_id: TenantId) -> None:
    mine = sa.select(sa.func.count()).where(collections.c.tenant_id == tenant_id)
    check_room_for_collection(connection.execute(mine).scalar_one())


def _find(
    connection: sa.Connection, tenant_id: TenantId, name: CollectionName
) -> Collection | None:
    query = _COLLECTIONS.where(collections.c.tenant_id == tenant_id, collections.c.name == name)
    row: Row | None = connection.execute(query).one_or_none()
    return None if row is None else _collection(row)


def _collection(row: Row) -> Collection:
    return Collection(CollectionName(row.name), row.subjects, row.created_at)
