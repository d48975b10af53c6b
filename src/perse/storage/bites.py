"""Deletions of any size, in bites that PostgreSQL does not end for taking too long."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

import sqlalchemy as sa

_ROWS_AT_A_TIME: Final = 5000


def delete_in_bites(
    writing: Callable[[], AbstractContextManager[sa.Connection]],
    table: sa.Table,
    condition: sa.ColumnElement[bool],
) -> int:
    """Delete the rows of ``table`` that fulfil ``condition``; how many there were. Each bite is a
    transaction that ``writing`` begins: one that fails leaves those before it done."""
    statement, deleted = _bite(table, condition), 0
    while True:
        with writing() as connection:
            bitten = connection.execute(statement).rowcount
        deleted += bitten
        if bitten < _ROWS_AT_A_TIME:
            return deleted


def _bite(table: sa.Table, condition: sa.ColumnElement[bool]) -> sa.Delete:
    """Locked when they are chosen: a row that somebody else deletes meanwhile does not count, and a
    bite that is not full is the last one."""
    key = tuple(table.primary_key)
    some = sa.select(*key).where(condition).limit(_ROWS_AT_A_TIME).with_for_update()
    return sa.delete(table).where(sa.tuple_(*key).in_(some.correlate(None)))
