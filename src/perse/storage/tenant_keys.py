"""Tenant keys: made when a tenant first needs one, wrapped by the master key, renewed by rotation.

A tenant can have two generations for the time of a rotation; the highest seals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.errors import MasterKeyUnusable
from perse.storage.master_key import MasterKeys
from perse.storage.schema import Row, server_secrets, tenant_keys
from perse.storage.sealing import new_key

LEDGER_SECRET = "ledger"  # noqa: S105 - the name of a secret, not one
Opened = TypeVar("Opened")
_WRAPPED_KEYS = (
    sa.update(tenant_keys)
    .where(
        tenant_keys.c.tenant_id == sa.bindparam("its_tenant"),
        tenant_keys.c.generation == sa.bindparam("its_generation"),
    )
    .values(master_key_id=sa.bindparam("master_key_id"), wrapped_key=sa.bindparam("wrapped_key"))
)


def across_rotations(work: Callable[[], Opened]) -> Opened:
    """``work`` once more where it met a key that is in the source no more: between its reading a
    row and its opening it, the whole of a rotation may pass."""
    try:
        return work()
    except MasterKeyUnusable:
        return work()


@dataclass(frozen=True, slots=True)
class TenantKey:
    tenant_id: TenantId
    generation: int
    key: bytes

    def __repr__(self) -> str:
        return f"TenantKey(generation {self.generation})"


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """All work happens in a transaction of the caller's, which holds the tenant's row."""

    master: MasterKeys

    def sealing_key(self, connection: sa.Connection, tenant_id: TenantId) -> TenantKey:
        """The newest key of a tenant, made now if there is none."""
        newest = max(self._rows(connection, tenant_id), default=None, key=lambda r: r.generation)
        if newest is None:
            return self.renew(connection, tenant_id)
        return TenantKey(tenant_id, newest.generation, self._open(newest))

    def renew(self, connection: sa.Connection, tenant_id: TenantId) -> TenantKey:
        """A new key; from now on it seals."""
        rows = self._rows(connection, tenant_id)
        generation = max((row.generation for row in rows), default=0) + 1
        key, key_id = new_key(), sealing_master_key_id(connection)
        wrapped = self.master.wrap(key, *_binding(tenant_id, generation), key_id=key_id)
        connection.execute(
            sa.insert(tenant_keys),
            {
                "tenant_id": tenant_id,
                "generation": generation,
                "master_key_id": key_id,
                "wrapped_key": wrapped,
            },
        )
        return TenantKey(tenant_id, generation, key)

    def keys(self, connection: sa.Connection, tenant_id: TenantId) -> Mapping[int, bytes]:
        """Every key of a tenant by generation."""
        return {row.generation: self._open(row) for row in self._rows(connection, tenant_id)}

    def open(
        self, wrapped_key: bytes, *, tenant_id: TenantId, generation: int, master_key_id: str
    ) -> bytes:
        """Raises MasterKeyUnusable, or StorageDamaged for a key of another tenant."""
        binding = _binding(tenant_id, generation)
        return self.master.unwrap(wrapped_key, *binding, key_id=master_key_id)

    def rewrap(self, connection: sa.Connection, *, key_id: str) -> int:
        """Wrap every tenant's keys with the master key ``key_id``; how many there were."""
        rows = connection.execute(sa.select(tenant_keys)).all()
        if rows:
            connection.execute(_WRAPPED_KEYS, [self._rewrapped(row, key_id) for row in rows])
        return len(rows)

    def _rewrapped(self, row: Row, key_id: str) -> dict[str, object]:
        binding = _binding(TenantId(row.tenant_id), row.generation)
        return {
            "its_tenant": row.tenant_id,
            "its_generation": row.generation,
            "master_key_id": key_id,
            "wrapped_key": self.master.wrap(self._open(row), *binding, key_id=key_id),
        }

    def _rows(self, connection: sa.Connection, tenant_id: TenantId) -> list[Row]:
        query = sa.select(tenant_keys).where(tenant_keys.c.tenant_id == tenant_id)
        return list(connection.execute(query))

    def _open(self, row: Row) -> bytes:
        return self.open(
            row.wrapped_key,
            tenant_id=TenantId(row.tenant_id),
            generation=row.generation,
            master_key_id=row.master_key_id,
        )


def sealing_master_key_id(connection: sa.Connection) -> str:
    """The master key that everything in this database is wrapped with; holds off a rotation."""
    query = (
        sa.select(server_secrets.c.master_key_id)
        .where(server_secrets.c.name == LEDGER_SECRET)
        .with_for_update(read=True)
    )
    key_id = connection.execute(query).scalar()
    if key_id is None:
        raise MasterKeyUnusable("this database has not been set up with a master key: start perse")
    return str(key_id)


def _binding(tenant_id: TenantId, generation: int) -> tuple[str, ...]:
    return ("tenant key", tenant_id, str(generation))
