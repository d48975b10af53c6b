"""Secrets of the whole database: made once, under the lock of a start, wrapped by a master key."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from perse.storage.database import Database
from perse.storage.master_key import MasterKeys
from perse.storage.migration import schema_lock
from perse.storage.schema import server_secrets, tenant_keys
from perse.storage.sealing import new_key
from perse.storage.tenant_keys import LEDGER_SECRET, TenantKeys


def open_secrets(
    database: Database, *, master: Callable[[bool], MasterKeys]
) -> tuple[MasterKeys, bytes]:
    """The master keys and the ledger's key, made on first use.

    ``master(first)`` opens the source; ``first`` says that nothing is sealed yet. Raises
    MasterKeyUnusable without the key that this database was sealed with.
    """
    with schema_lock(database) as connection:
        # Shared, so that no rotation drops the key between this row and the source.
        row = connection.execute(_ledger_secret().with_for_update(read=True)).one_or_none()
        keys = master(row is None)
        if row is not None:
            secret = keys.unwrap(row.wrapped_key, LEDGER_SECRET, key_id=row.master_key_id)
            return keys, secret
        secret = new_key()
        connection.execute(sa.insert(server_secrets), _secret_row(keys, secret, keys.first_id))
    return keys, secret


def opened_with(database: Database, master: Callable[[bool], MasterKeys]) -> str | None:
    """The id of the master key that opened this database's secrets; None when there are none yet.

    Changes nothing. Raises MasterKeyUnusable without that key, StorageDamaged for changed content.
    """
    with database.read() as connection:
        row = connection.execute(_ledger_secret()).one_or_none()
    if row is None:
        return None
    master(False).unwrap(row.wrapped_key, LEDGER_SECRET, key_id=row.master_key_id)
    return str(row.master_key_id)


def lock_secrets(connection: sa.Connection) -> str:
    """Hold off whoever changes what the master key is, or asks it; the key's id."""
    return str(connection.execute(_ledger_secret().with_for_update()).one().master_key_id)


def wrap_secrets(connection: sa.Connection, master: MasterKeys, *, key_id: str) -> int:
    """Wrap the ledger's key and every tenant's with the master key ``key_id``, in a transaction
    that holds ``lock_secrets``. Returns the number of tenant keys."""
    row = connection.execute(_ledger_secret()).one()
    secret = master.unwrap(row.wrapped_key, LEDGER_SECRET, key_id=row.master_key_id)
    connection.execute(
        sa.update(server_secrets)
        .where(server_secrets.c.name == LEDGER_SECRET)
        .values(**_secret_row(master, secret, key_id))
    )
    return TenantKeys(master).rewrap(connection, key_id=key_id)


def named_master_keys(connection: sa.Connection) -> frozenset[str]:
    """The ids of all master keys that something in this database is wrapped with."""
    named = sa.union(
        sa.select(server_secrets.c.master_key_id), sa.select(tenant_keys.c.master_key_id)
    )
    return frozenset(connection.execute(named).scalars())


def _ledger_secret() -> sa.Select[*tuple[object, ...]]:
    return sa.select(server_secrets).where(server_secrets.c.name == LEDGER_SECRET)


def _secret_row(keys: MasterKeys, secret: bytes, key_id: str) -> dict[str, object]:
    return {
        "name": LEDGER_SECRET,
        "master_key_id": key_id,
        "wrapped_key": keys.wrap(secret, LEDGER_SECRET, key_id=key_id),
    }
