"""New keys for all tenants, so that nothing opens any more what old copies hold of the deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.references import UserToken
from perse.errors import UserTokenNotFound
from perse.storage.database import Database
from perse.storage.reference_rows import lock_tenant
from perse.storage.schema import Row, biometric_references, sealed_templates, tenant_keys
from perse.storage.sealing import Owner, rewrap_template
from perse.storage.tenant_keys import TenantKeys

_ROWS_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class RenewTenantKeys:
    """Every data key is wrapped anew, a few at a time. Cut short, it leaves a tenant with two
    keys that are both needed; the next run ends that. One run at a time: ``rotation_lock``."""

    database: Database
    tenant_keys: TenantKeys

    def __call__(self) -> int:
        """How many users' data keys were wrapped anew."""
        with self.database.read() as connection:
            known = connection.execute(sa.select(tenant_keys.c.tenant_id).distinct()).scalars()
            tenant_ids = [TenantId(tenant_id) for tenant_id in known]
        return sum(self._renew(tenant_id) for tenant_id in tenant_ids)

    def _renew(self, tenant_id: TenantId) -> int:
        try:
            with self.database.write() as connection:
                lock_tenant(connection, tenant_id)
                newest = self.tenant_keys.renew(connection, tenant_id).generation
            count = sum(self._rewrap(tenant_id, newest))
            with self.database.write() as connection:
                lock_tenant(connection, tenant_id)
                connection.execute(_unused_keys(tenant_id, newest))
        except UserTokenNotFound:  # the tenant was erased meanwhile, and its keys with it
            return 0
        return count

    def _rewrap(self, tenant_id: TenantId, newest: int) -> Iterator[int]:
        """Whoever enrols from now on is sealed with the newest key: once through is enough."""
        last = 0
        while True:
            began = time.monotonic()
            rows = self._rewrap_some(tenant_id, newest, after=last)
            if not rows:
                return
            yield len(rows)
            last = rows[-1].reference_id
            if self.database.is_sqlite:  # which serves waiting writers in no order: let them in
                time.sleep(time.monotonic() - began)

    def _rewrap_some(self, tenant_id: TenantId, newest: int, *, after: int) -> Sequence[Row]:
        with self.database.write() as connection:
            lock_tenant(connection, tenant_id)
            keys = self.tenant_keys.keys(connection, tenant_id)
            rows = connection.execute(_of_older_keys(tenant_id, newest, after)).all()
            changed = [
                {
                    "its_id": row.reference_id,
                    "key_generation": newest,
                    "envelope": rewrap_template(
                        row.envelope,
                        Owner(tenant_id, UserToken(row.user_token)),
                        old_key=keys[row.key_generation],
                        new_key=keys[newest],
                    ),
                }
                for row in rows
            ]
            if changed:
                connection.execute(_ENVELOPES, changed)
        return rows


_ENVELOPES = (
    sa.update(sealed_templates)
    .where(sealed_templates.c.reference_id == sa.bindparam("its_id"))
    .values(key_generation=sa.bindparam("key_generation"), envelope=sa.bindparam("envelope"))
)


def _of_older_keys(tenant_id: TenantId, newest: int, after: int) -> sa.Select[*tuple[object, ...]]:
    return (
        sa.select(sealed_templates, biometric_references.c.user_token)
        .join(biometric_references)
        .where(
            biometric_references.c.tenant_id == tenant_id,
            biometric_references.c.reference_id > after,
            sealed_templates.c.key_generation < newest,
        )
        .order_by(biometric_references.c.reference_id)
        .limit(_ROWS_AT_A_TIME)
        .with_for_update()
    )


def _unused_keys(tenant_id: TenantId, newest: int) -> sa.Delete:
    """Older keys that no template names."""
    named = (
        sa.select(sealed_templates.c.key_generation)
        .join(biometric_references)
        .where(biometric_references.c.tenant_id == tenant_id)
    )
    return sa.delete(tenant_keys).where(
        tenant_keys.c.tenant_id == tenant_id,
        tenant_keys.c.generation < newest,
        tenant_keys.c.generation.not_in(named),
    )
