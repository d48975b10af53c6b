"""Secrets of the whole database: made once, under the lock of a start, and rotated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.references import UserToken
from perse.storage.database import Database
from perse.storage.master_key import MasterKeys
from perse.storage.migrating import schema_lock
from perse.storage.references import lock_tenant
from perse.storage.schema import (
    biometric_references,
    sealed_templates,
    server_secrets,
    tenant_keys,
)
from perse.storage.sealing import Owner, new_key, rewrap_template
from perse.storage.tenant_keys import LEDGER_SECRET, TenantKeys

_ROWS_AT_A_TIME = 200


def open_secrets(
    database: Database, *, master: Callable[[bool], MasterKeys]
) -> tuple[MasterKeys, bytes]:
    """The master keys and the ledger's key, made on first use.

    ``master(first)`` opens the source; ``first`` says that nothing is sealed yet. Raises
    MasterKeyUnusable without the key that this database was sealed with.
    """
    with schema_lock(database) as connection:
        row = connection.execute(_ledger_secret()).one_or_none()
        keys = master(row is None)
        if row is not None:
            secret = keys.unwrap(row.wrapped_key, LEDGER_SECRET, key_id=row.master_key_id)
            return keys, secret
        secret = new_key()
        connection.execute(sa.insert(server_secrets), _secret_row(keys, secret, keys.first_id))
    return keys, secret


def rewrap_with_first(database: Database, master: MasterKeys) -> int:
    """Wrap the ledger's key and every tenant's with the first master key of the source.

    One transaction of one row a tenant; servers go on and read their source again when they meet
    the new key. Returns the number of tenant keys.
    """
    master.refresh()
    with database.write() as connection:
        row = connection.execute(_ledger_secret().with_for_update()).one()
        secret = master.unwrap(row.wrapped_key, LEDGER_SECRET, key_id=row.master_key_id)
        connection.execute(
            sa.update(server_secrets)
            .where(server_secrets.c.name == LEDGER_SECRET)
            .values(**_secret_row(master, secret, master.first_id))
        )
        count = TenantKeys(master).rewrap(connection, key_id=master.first_id)
    database.erase_traces()
    return count


@dataclass(frozen=True, slots=True)
class RenewTenantKeys:
    """New keys for all tenants: every data key is wrapped anew, a few at a time."""

    database: Database
    tenant_keys: TenantKeys

    def __call__(self) -> int:
        """How many users' data keys were wrapped anew."""
        with self.database.read() as connection:
            known = connection.execute(sa.select(tenant_keys.c.tenant_id).distinct()).scalars()
            tenant_ids = [TenantId(tenant_id) for tenant_id in known]
        count = sum(self._renew(tenant_id) for tenant_id in tenant_ids)
        self.database.erase_traces()
        return count

    def _renew(self, tenant_id: TenantId) -> int:
        with self.database.write() as connection:
            lock_tenant(connection, tenant_id)
            newest = self.tenant_keys.renew(connection, tenant_id).generation
        count = 0
        while done := self._rewrap_some(tenant_id, newest):
            count += done
        with self.database.write() as connection:
            lock_tenant(connection, tenant_id)
            connection.execute(
                sa.delete(tenant_keys).where(
                    tenant_keys.c.tenant_id == tenant_id, tenant_keys.c.generation < newest
                )
            )
        return count

    def _rewrap_some(self, tenant_id: TenantId, newest: int) -> int:
        with self.database.write() as connection:
            lock_tenant(connection, tenant_id)
            keys = self.tenant_keys.keys(connection, tenant_id)
            rows = connection.execute(_of_older_keys(tenant_id, newest)).all()
            for row in rows:
                envelope = rewrap_template(
                    row.envelope,
                    Owner(tenant_id, UserToken(row.user_token)),
                    old_key=keys[row.key_generation],
                    new_key=keys[newest],
                )
                connection.execute(
                    sa.update(sealed_templates)
                    .where(sealed_templates.c.reference_id == row.reference_id)
                    .values(key_generation=newest, envelope=envelope)
                )
        return len(rows)


def _of_older_keys(tenant_id: TenantId, newest: int) -> sa.Select[*tuple[object, ...]]:
    return (
        sa.select(sealed_templates, biometric_references.c.user_token)
        .join(biometric_references)
        .where(
            biometric_references.c.tenant_id == tenant_id,
            sealed_templates.c.key_generation < newest,
        )
        .limit(_ROWS_AT_A_TIME)
        .with_for_update()
    )


def _ledger_secret() -> sa.Select[*tuple[object, ...]]:
    return sa.select(server_secrets).where(server_secrets.c.name == LEDGER_SECRET)


def _secret_row(keys: MasterKeys, secret: bytes, key_id: str) -> dict[str, object]:
    return {
        "name": LEDGER_SECRET,
        "master_key_id": key_id,
        "wrapped_key": keys.wrap(secret, LEDGER_SECRET, key_id=key_id),
    }
