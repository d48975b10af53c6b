"""How far bulk work is, and the outcomes that wait for its report, in SQL.

What became a sample is noted in the transaction that keeps the sample, by its lasting retry key;
here it is only read.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from perse.domain.access import TenantId
from perse.storage.bites import delete_in_bites
from perse.storage.bulk_schema import bulk_keys, bulk_outcomes
from perse.storage.database import Database
from perse.storage.schema import Row, tenant_keys
from perse.storage.sealing import WRAPPED_KEY_BYTES, new_key, seal, unseal
from perse.storage.template_rows import lock_tenant
from perse.storage.tenant_keys import TenantKeys, across_rotations


@dataclass(frozen=True, slots=True)
class SqlBulk:
    """Tenants kept apart. ``secret`` keeps anyone from trying pictures against what is stored.
    Raises StorageUnavailable everywhere."""

    database: Database
    tenant_keys: TenantKeys
    secret: bytes = field(repr=False)

    def done(self, tenant_id: TenantId, keys: Sequence[bytes]) -> Set[bytes]:
        """Those of some hundred keys of items that became samples, also where those were
        destroyed."""
        query = sa.select(bulk_keys.c.key_digest).where(
            bulk_keys.c.tenant_id == tenant_id, bulk_keys.c.key_digest.in_(keys)
        )
        with self.database.read() as connection:
            return set(map(bytes, connection.execute(query).scalars()))

    def keep(self, tenant_id: TenantId, name: str, outcome: bytes, *, at: datetime) -> None:
        """Keep ``outcome``, sealed, under ``name``; what is there already stays. Raises
        UserTokenNotFound for an erased tenant."""
        across_rotations(lambda: self._keep(tenant_id, name, outcome, at))

    def _keep(self, tenant_id: TenantId, name: str, outcome: bytes, at: datetime) -> None:
        digest = self._digest(tenant_id, name)
        with self.database.write() as connection:
            lock_tenant(connection, tenant_id)
            key = self.tenant_keys.sealing_key(connection, tenant_id)
            row = {
                "tenant_id": tenant_id,
                "content_digest": digest,
                "key_generation": key.generation,
                "envelope": _sealed(outcome, key.key, tenant_id, digest),
                "created_at": at,
            }
            insert = sqlite.insert if self.database.is_sqlite else postgresql.insert
            connection.execute(insert(bulk_outcomes).values(row).on_conflict_do_nothing())

    def recall(self, tenant_id: TenantId, names: Sequence[str]) -> Mapping[str, bytes]:
        """What is kept under some hundred names, as far as something is. Raises StorageDamaged
        where it was changed."""
        digests = {self._digest(tenant_id, name): name for name in names}
        kept = across_rotations(lambda: self._recall(tenant_id, list(digests)))
        return {digests[digest]: outcome for digest, outcome in kept.items()}

    def _recall(self, tenant_id: TenantId, digests: Sequence[bytes]) -> Mapping[bytes, bytes]:
        with self.database.read() as connection:
            rows = connection.execute(_sealed_outcomes(tenant_id, digests)).all()
        keys = {row.key_generation: row for row in rows}
        opened = {generation: self._key(tenant_id, row) for generation, row in keys.items()}
        return {
            bytes(row.content_digest): _opened(row, opened[row.key_generation], tenant_id)
            for row in rows
        }

    def _key(self, tenant_id: TenantId, row: Row) -> bytes:
        return self.tenant_keys.open(
            row.wrapped_key,
            tenant_id=tenant_id,
            generation=row.key_generation,
            master_key_id=row.master_key_id,
        )

    def forget(self, tenant_id: TenantId) -> int:
        """Destroy the outcomes of a tenant; how many there were. They are gone from every file of
        SQLite when this returns."""
        mine = bulk_outcomes.c.tenant_id == tenant_id
        return delete_in_bites(self.database.write_and_erase, bulk_outcomes, mine)

    def _digest(self, tenant_id: TenantId, name: str) -> bytes:
        return hmac.digest(self.secret, f"{tenant_id}\0{name}".encode(), "sha256")


def _sealed_outcomes(
    tenant_id: TenantId, digests: Sequence[bytes]
) -> sa.Select[*tuple[object, ...]]:
    """With the keys that open them, in one statement: a rotation cannot part them."""
    its_key = sa.and_(
        tenant_keys.c.tenant_id == bulk_outcomes.c.tenant_id,
        tenant_keys.c.generation == bulk_outcomes.c.key_generation,
    )
    return (
        sa.select(bulk_outcomes, tenant_keys.c.master_key_id, tenant_keys.c.wrapped_key)
        .join(tenant_keys, its_key)
        .where(bulk_outcomes.c.tenant_id == tenant_id, bulk_outcomes.c.content_digest.in_(digests))
    )


def _opened(row: Row, tenant_key: bytes, tenant_id: TenantId) -> bytes:
    binding = tenant_id, row.content_digest.hex()
    data_key = unseal(tenant_key, row.envelope[-WRAPPED_KEY_BYTES:], "outcome key", *binding)
    return unseal(data_key, row.envelope[:-WRAPPED_KEY_BYTES], "outcome", *binding)


def _sealed(outcome: bytes, tenant_key: bytes, tenant_id: TenantId, digest: bytes) -> bytes:
    data_key, binding = new_key(), (tenant_id, digest.hex())
    wrapped = seal(tenant_key, data_key, "outcome key", *binding)
    return seal(data_key, outcome, "outcome", *binding) + wrapped
