"""The list of a tenant's users: kept in memory, brought up to date by what changed since.

A tenant's row counts its changes. The list is read whole once; after that a reader fetches the
number and the changes it has not seen, whichever process made them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from perse.domain.access import TenantId
from perse.domain.references import UserToken, UserTokens
from perse.storage.changes import Change, changes_since, revision_of
from perse.storage.database import Database
from perse.storage.schema import subjects, tenants

_BYTES_KEPT = 32_000_000
_LEAST_BYTES = 1_000  # of a list, for what is around it
_READ_AHEAD_FROM = 1_000
_READERS = 64
_ROWS_AT_ONCE = 2_500
_TABLE = subjects.c


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
        self._reading = tuple(threading.Lock() for _ in range(_READERS))

    def tokens(self, tenant_id: TenantId) -> UserTokens:
        """Every user of the tenant, the oldest first, as of now.

        Of many who ask at once one reads what is new; the others wait for it.
        """
        with self._reading[hash(tenant_id) % _READERS], self._database.read() as connection:
            revision, known = revision_of(connection, tenant_id), self._snapshots.get(tenant_id)
            if known is None or known.revision != revision:
                known = _Snapshot(revision, _current(connection, tenant_id, revision, known))
        self._keep(tenant_id, known)
        return known.tokens

    def page(self, tenant_id: TenantId, *, after: UserToken | None, limit: int) -> UserTokens:
        """At most ``limit`` users enrolled after ``after``, the oldest first."""
        with self._database.read() as connection:
            mark = 0 if after is None else _mark(connection, tenant_id, after)
            return UserTokens() if mark is None else _read(connection, tenant_id, mark, limit)

    def total(self, tenant_id: TenantId) -> int:
        """How many users the tenant has."""
        query = sa.select(tenants.c.subjects_held).where(tenants.c.tenant_id == tenant_id)
        with self._database.read() as connection:
            return connection.execute(query).scalar() or 0

    def read_ahead(self) -> None:
        """Read the longest lists as far as they are kept, so that the first to ask need not."""
        query = (
            sa.select(tenants.c.tenant_id)
            .where(tenants.c.subjects_held > _READ_AHEAD_FROM)
            .order_by(tenants.c.subjects_held.desc())
        )
        with self._database.read() as connection:
            longest = connection.execute(query).scalars().all()
        for tenant_id in longest:
            self.tokens(TenantId(tenant_id))
            if self._bytes_kept() > _BYTES_KEPT / 2:
                return

    def _keep(self, tenant_id: TenantId, snapshot: _Snapshot) -> None:
        with self._lock:
            self._snapshots[tenant_id] = snapshot
            self._snapshots.move_to_end(tenant_id)
            while len(self._snapshots) > 1 and self._bytes_kept() > _BYTES_KEPT:
                self._snapshots.popitem(last=False)

    def _bytes_kept(self) -> int:
        kept = self._snapshots.values()
        return sum(_LEAST_BYTES + snapshot.tokens.size_bytes for snapshot in kept)


def _current(
    connection: sa.Connection, tenant_id: TenantId, revision: int, known: _Snapshot | None
) -> UserTokens:
    if known is not None:
        changes = changes_since(connection, tenant_id, known.revision, until=revision)
        if changes is not None:
            return known.tokens.changed(
                (UserToken(row.user_token), row.change == Change.REMOVED)
                for row in changes
                if row.change in {Change.ADDED, Change.REMOVED}
            )
    return _read(connection, tenant_id, 0, None)


def _mark(connection: sa.Connection, tenant_id: TenantId, user_token: UserToken) -> int | None:
    """Where a user stands in the order; None for an unknown one."""
    query = sa.select(_TABLE.subject_id).where(
        _TABLE.tenant_id == tenant_id, _TABLE.user_token == user_token
    )
    return connection.execute(query).scalar()


def _read(
    connection: sa.Connection, tenant_id: TenantId, mark: int, limit: int | None
) -> UserTokens:
    """Users behind ``mark``. The database puts each block together: no row becomes an object, and
    other threads run meanwhile."""
    blocks, count = list[bytes](), 0
    while limit is None or count < limit:
        wanted = _ROWS_AT_ONCE if limit is None else min(_ROWS_AT_ONCE, limit - count)
        row = connection.execute(_block_query(connection, tenant_id, mark, wanted)).one()
        if row.users:
            blocks.append(row.joined.encode("ascii"))
            count, mark = count + row.users, row.mark
        if row.users < wanted:
            break
    return UserTokens(blocks, count)


def _block_query(
    connection: sa.Connection, tenant_id: TenantId, mark: int, rows: int
) -> sa.Select[*tuple[Any, ...]]:
    some = (
        sa.select(_TABLE.subject_id, _TABLE.user_token)
        .where(_TABLE.tenant_id == tenant_id, _TABLE.subject_id > mark)
        .order_by(_TABLE.subject_id)
        .limit(rows)
        .subquery()
    )
    quoted: sa.ColumnElement[str] = sa.literal('"') + some.c.user_token + sa.literal('"')
    if connection.dialect.name == "postgresql":
        comma: sa.ColumnElement[str] = aggregate_order_by(
            sa.literal_column("','"), some.c.subject_id
        )
        items = sa.func.string_agg(quoted, comma)
    else:  # SQLite keeps the order of a subquery with a limit
        items = sa.func.group_concat(quoted, ",")
    return sa.select(
        sa.func.count().label("users"),
        sa.func.max(some.c.subject_id).label("mark"),
        items.label("joined"),
    ).select_from(some)
