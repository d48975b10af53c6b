"""Statements sent to the database, told to whoever follows a request; never their values."""

from __future__ import annotations

import time

import sqlalchemy as sa

from perse.stages import tell_detail, wants_details

_BEGAN = "perse_began_s"


def tell_statements(engine: sa.Engine) -> None:
    """From now on, as they are prepared: values stand beside them."""
    sa.event.listen(engine, "before_cursor_execute", _begin)
    sa.event.listen(engine, "after_cursor_execute", _end)


def _begin(connection: sa.Connection, *_: object) -> None:
    if wants_details():
        connection.info[_BEGAN] = time.perf_counter()


def _end(connection: sa.Connection, _: object, statement: str, *__: object) -> None:
    if wants_details() and (began_s := connection.info.pop(_BEGAN, None)) is not None:
        tell_detail(statement, began_s)
