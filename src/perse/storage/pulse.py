"""How far away a database is, in time: its round trips and its clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

import sqlalchemy as sa

from perse.storage.database import Database

_ROUNDS: Final = 15


@dataclass(frozen=True, slots=True)
class Pulse:
    """``round_trip_s``: the median of several. ``ahead_s``: how much the database's clock is ahead
    of this machine's, to within half a round trip; None where it is the same clock."""

    round_trip_s: float
    ahead_s: float | None


def feel_pulse(database: Database, now_s: Callable[[], float] = time.time) -> Pulse:
    """Ask for the time, again and again. Raises StorageUnavailable."""
    with database.read() as connection:
        asked = [_ask(connection, now_s, database.is_sqlite) for _ in range(_ROUNDS)]
    closest = min(asked, key=lambda it: it.round_trip_s)
    return Pulse(median(it.round_trip_s for it in asked), closest.ahead_s)


def _ask(connection: sa.Connection, now_s: Callable[[], float], is_sqlite: bool) -> Pulse:
    began, before_s = time.perf_counter(), now_s()
    if is_sqlite:
        connection.execute(sa.select(1)).scalar_one()
        return Pulse(time.perf_counter() - began, None)
    told = sa.func.extract("epoch", sa.func.clock_timestamp())
    theirs_s = float(connection.execute(sa.select(told)).scalar_one())
    round_trip_s = time.perf_counter() - began
    return Pulse(round_trip_s, theirs_s - before_s - round_trip_s / 2)
