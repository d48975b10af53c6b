"""The consent ledger in SQL: appended within a transaction, read as a chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Self

import sqlalchemy as sa

from perse.domain.access import KeyId, TenantId
from perse.domain.consent import ChainedEntry, ConsentEntry, consent_chain
from perse.domain.references import UserToken
from perse.storage.chains import Shape, SqlChain
from perse.storage.database import Database
from perse.storage.schema import Row, ledger_entries, ledger_head


class SqlLedger(SqlChain[ConsentEntry]):
    """Append-only."""

    __slots__ = ()

    @classmethod
    def of(cls, database: Database, key: bytes) -> Self:
        """``key`` keys the chain's hashes."""
        return cls(database, _SHAPE, consent_chain(key))

    def page(
        self, tenant_id: TenantId, user_token: UserToken, *, after: int, limit: int
    ) -> Sequence[ChainedEntry]:
        """Entries of one subject behind entry ``after``, the oldest first."""
        query = (
            sa.select(ledger_entries)
            .where(
                ledger_entries.c.tenant_id == tenant_id,
                ledger_entries.c.user_token == user_token,
                ledger_entries.c.seq > after,
            )
            .limit(limit)
        )
        with self.database.read() as connection:
            return list(self.read(connection, query))

    def entries(
        self, *, tenant_id: TenantId | None = None, user_token: UserToken | None = None
    ) -> Iterator[ChainedEntry]:
        """Every entry, or those of one tenant or user, the oldest first."""
        query = sa.select(ledger_entries)
        if tenant_id is not None:
            query = query.where(ledger_entries.c.tenant_id == tenant_id)
        if user_token is not None:
            query = query.where(ledger_entries.c.user_token == user_token)
        return self.read_in_pages(query)


def _columns(entry: ConsentEntry) -> Mapping[str, object]:
    texts = {"operation": str(entry.operation), "declaration": str(entry.declaration)}
    return {name: getattr(entry, name) for name in ConsentEntry.__slots__} | texts


def _entry(row: Row) -> ConsentEntry:
    return ConsentEntry(
        at=row.at,
        tenant_id=TenantId(row.tenant_id),
        key_id=None if row.key_id is None else KeyId(row.key_id),
        operation=row.operation,
        declaration=row.declaration,
        user_token=None if row.user_token is None else UserToken(row.user_token),
        purpose=row.purpose,
    )


_SHAPE = Shape(ledger_entries, ledger_head, _columns, _entry)
