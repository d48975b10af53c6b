"""The consent ledger in SQL: appended within a transaction, read as a chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from perse.domain.access import KeyId, TenantId
from perse.domain.consent import (
    ChainedEntry,
    ChainPoint,
    ConsentEntry,
    broken_links,
    chain,
    intact,
)
from perse.domain.references import UserToken
from perse.storage.database import Database
from perse.storage.schema import Row, ledger_entries, ledger_head

_ROWS_AT_A_TIME = 1000
# Every detection runs these: built once, they cost SQLAlchemy a look at its cache.
_READ_HEAD = sa.select(ledger_head)
_HOLD_HEAD = _READ_HEAD.with_for_update()
_MOVE_HEAD = sa.update(ledger_head).values(seq=sa.bindparam("end"), hash=sa.bindparam("end_hash"))
_APPEND = sa.insert(ledger_entries)


@dataclass(frozen=True, slots=True)
class SqlLedger:
    """Append-only. ``key`` keys the chain's hashes."""

    database: Database
    key: bytes = field(repr=False)

    def append_in(self, connection: sa.Connection, entries: Sequence[ConsentEntry]) -> ChainPoint:
        """Append within a transaction of the caller's; the last thing it does, because every
        other writer waits for the head from here to the commit."""
        head = _head(connection, _HOLD_HEAD)
        links = list(chain(entries, after=head, key=self.key))
        connection.execute(_APPEND, [_row(link) for link in links])
        end = links[-1].point
        connection.execute(_MOVE_HEAD, {"end": end.seq, "end_hash": end.hash})
        return end

    def append(self, entries: Sequence[ConsentEntry]) -> ChainPoint:
        """Append in one transaction. Raises StorageUnavailable."""
        with self.database.write() as connection:
            return self.append_in(connection, entries)

    def problems(self) -> Iterator[str]:
        """What is wrong with the ledger, a sentence each; nothing when it is whole."""
        with self.database.read() as connection:
            head = _head(connection, _READ_HEAD)
            links = _links(connection, sa.select(ledger_entries))
            yield from broken_links(links, head=head, key=self.key)

    def point(self, seq: int) -> ChainPoint | None:
        """The chain at entry ``seq``, to be held against what was noted elsewhere."""
        query = sa.select(ledger_entries.c.hash).where(ledger_entries.c.seq == seq)
        with self.database.read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else ChainPoint(seq, found)

    def head(self) -> ChainPoint:
        """The end of the chain."""
        with self.database.read() as connection:
            return _head(connection, _READ_HEAD)

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
            return list(_links(connection, query))

    def intact(self, link: ChainedEntry) -> bool:
        """Whether an entry is the one that was written in its place."""
        return intact(link, key=self.key)

    def entries(
        self, *, tenant_id: TenantId | None = None, user_token: UserToken | None = None
    ) -> Iterator[ChainedEntry]:
        """Every entry, or those of one tenant or user, the oldest first."""
        query = sa.select(ledger_entries)
        if tenant_id is not None:
            query = query.where(ledger_entries.c.tenant_id == tenant_id)
        if user_token is not None:
            query = query.where(ledger_entries.c.user_token == user_token)
        with self.database.read() as connection:
            yield from _links(connection, query)


def _head(connection: sa.Connection, query: sa.Select[*tuple[object, ...]]) -> ChainPoint:
    row = connection.execute(query).one()
    return ChainPoint(row.seq, row.hash)


def _links(
    connection: sa.Connection, query: sa.Select[*tuple[object, ...]]
) -> Iterator[ChainedEntry]:
    streaming = connection.execution_options(yield_per=_ROWS_AT_A_TIME)
    for row in streaming.execute(query.order_by(ledger_entries.c.seq)):
        yield _link(row)


def _row(link: ChainedEntry) -> dict[str, object]:
    entry = link.entry
    return {
        "seq": link.point.seq,
        "at": entry.at,
        "tenant_id": entry.tenant_id,
        "key_id": entry.key_id,
        "operation": str(entry.operation),
        "declaration": str(entry.declaration),
        "user_token": entry.user_token,
        "purpose": entry.purpose,
        "previous": link.previous,
        "hash": link.point.hash,
    }


def _link(row: Row) -> ChainedEntry:
    entry = ConsentEntry(
        at=row.at,
        tenant_id=TenantId(row.tenant_id),
        key_id=None if row.key_id is None else KeyId(row.key_id),
        operation=row.operation,
        declaration=row.declaration,
        user_token=None if row.user_token is None else UserToken(row.user_token),
        purpose=row.purpose,
    )
    return ChainedEntry(entry, bytes(row.previous), ChainPoint(row.seq, bytes(row.hash)))
