"""Chained entries in SQL: appended within a transaction, one after the other, read as a chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from perse.domain.chains import Chain, ChainPoint, Link
from perse.storage.database import Database
from perse.storage.schema import Row

_ROWS_AT_A_TIME = 1000

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Shape(Generic[Entry]):
    """The tables of a chain, and how an entry becomes the columns of a row, and back again. Every
    detection runs the statements: built once, they cost SQLAlchemy a look at its cache."""

    entries: sa.Table
    head: sa.Table
    columns: Callable[[Entry], Mapping[str, object]]
    entry: Callable[[Row], Entry]
    read_head: sa.Select[Any] = field(init=False)
    hold_head: sa.Select[Any] = field(init=False)
    move_head: sa.Update = field(init=False)
    insert: sa.Insert = field(init=False)

    def __post_init__(self) -> None:
        read = sa.select(self.head)
        moved: dict[str, Any] = {"seq": sa.bindparam("end"), "hash": sa.bindparam("end_hash")}
        for name, statement in (
            ("read_head", read),
            ("hold_head", read.with_for_update()),
            ("move_head", sa.update(self.head).values(**moved)),
            ("insert", sa.insert(self.entries)),
        ):
            object.__setattr__(self, name, statement)


@dataclass(frozen=True, slots=True)
class SqlChain(Generic[Entry]):
    """Append-only: whoever appends holds the head until its transaction ends, so that servers and
    commands write one chain. ``chain`` knows the key of the hashes."""

    database: Database
    shape: Shape[Entry]
    chain: Chain[Entry]

    @property
    def key(self) -> bytes:
        return self.chain.key

    def append_in(self, connection: sa.Connection, entries: Sequence[Entry]) -> ChainPoint:
        """Append within a transaction of the caller's; as late in it as can be, because every
        other writer waits for the head from here to the commit."""
        head = self.hold_in(connection)
        links = list(self.chain.links(entries, after=head))
        connection.execute(self.shape.insert, [self._row(link) for link in links])
        end = links[-1].point
        connection.execute(self.shape.move_head, {"end": end.seq, "end_hash": end.hash})
        return end

    def hold_in(self, connection: sa.Connection) -> ChainPoint:
        """Keep others from appending until the transaction ends; the end of the chain."""
        return _point(connection.execute(self.shape.hold_head).one())

    def append(self, entries: Sequence[Entry]) -> ChainPoint:
        """Append in one transaction. Raises StorageUnavailable."""
        with self.database.write() as connection:
            return self.append_in(connection, entries)

    def problems(self) -> Iterator[str]:
        """What is wrong with the chain, a sentence each; nothing when it is whole."""
        with self.database.read() as connection:
            head = self.head_in(connection)
            links = self.read(connection, sa.select(self.shape.entries))
            yield from self.chain.broken(links, head=head)

    def point(self, seq: int) -> ChainPoint | None:
        """The chain at entry ``seq``, to be held against what was noted elsewhere."""
        table = self.shape.entries
        query = sa.select(table.c.hash).where(table.c.seq == seq)
        with self.database.read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else ChainPoint(seq, bytes(found))

    def head(self) -> ChainPoint:
        """The end of the chain."""
        with self.database.read() as connection:
            return self.head_in(connection)

    def head_in(self, connection: sa.Connection) -> ChainPoint:
        """The same within a transaction; others may append meanwhile."""
        return _point(connection.execute(self.shape.read_head).one())

    def intact(self, link: Link[Entry]) -> bool:
        """Whether an entry is the one that was written in its place."""
        return self.chain.intact(link)

    def read(
        self, connection: sa.Connection, query: sa.Select[*tuple[Any, ...]]
    ) -> Iterator[Link[Entry]]:
        """Entries by a query of their table, the oldest first, a few at a time."""
        streaming = connection.execution_options(yield_per=_ROWS_AT_A_TIME)
        for row in streaming.execute(query.order_by(self.shape.entries.c.seq)):
            yield Link(self.shape.entry(row), bytes(row.previous), _point(row))

    def read_in_pages(self, query: sa.Select[*tuple[Any, ...]]) -> Iterator[Link[Entry]]:
        """The same, a transaction for each page: whoever reads may take a pause. That is as good
        as one, because nothing is changed and nothing comes before what was read."""
        seq, last = self.shape.entries.c.seq, 0
        while True:
            with self.database.read() as connection:
                page = query.where(seq > last).limit(_ROWS_AT_A_TIME)
                links = list(self.read(connection, page))
            yield from links
            if len(links) < _ROWS_AT_A_TIME:
                return
            last = links[-1].point.seq

    def _row(self, link: Link[Entry]) -> dict[str, object]:
        place = {"seq": link.point.seq, "previous": link.previous, "hash": link.point.hash}
        return {**self.shape.columns(link.entry), **place}


def _point(row: Row) -> ChainPoint:
    return ChainPoint(row.seq, bytes(row.hash))
