"""Which of several PostgreSQL servers is the one to write to.

After a fail-over the old primary may come back and take writes again that nobody will ever see.
Each promotion begins a timeline with a higher number: a server of an older timeline than one that
was met before is left alone, whatever it says of itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

STALE: Final = "stale primary"

_TIMELINE: Final = "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint"

Place = tuple[str, str]


class Connection(psycopg.Connection[Any]):
    """``timeline``: of its server when it was opened; 0 where that was not asked or not told."""

    timeline: int = 0


@dataclass(frozen=True, slots=True)
class _Met:
    """A server that takes writes, at a host and port."""

    place: Place
    connection: Connection


class Primary:
    """Connects to the server that takes writes and is of the newest timeline. Where there is one
    server nothing is asked. Safe to share between threads."""

    def __init__(self, connect: Callable[..., Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._newest = 0
        self._last: Place | None = None

    def connect(self, **given: Any) -> Connection:  # noqa: ANN401 - as psycopg.connect
        """``given``: as psycopg takes them, hosts and ports with commas between. Raises
        psycopg.OperationalError where none of them is the primary."""
        places = _places(given)
        if len(places) < 2:
            return self._connect(**given)
        met, problem = list[_Met](), psycopg.OperationalError("no server is named")
        which_is_known = self._last is not None
        for place in self._in_order(places):
            try:
                met.append(self._meet(place, given))
            except psycopg.OperationalError as refusal:
                problem = refusal
                continue
            if which_is_known:
                break
        if not met:
            raise problem
        return self._take(met)

    def superseded(self, connection: Connection) -> bool:
        """Whether the primary of a newer timeline was met since it was opened."""
        return connection.timeline < self._newest

    def _in_order(self, places: Sequence[Place]) -> Sequence[Place]:
        """The last one that was good first, because one that is lost may take seconds to say so."""
        with self._lock:
            return sorted(places, key=lambda place: place != self._last)

    def _meet(self, place: Place, given: dict[str, Any]) -> _Met:
        host, port = place
        writable = {"target_session_attrs": "read-write"}
        connection = self._connect(**writable | given | {"host": host, "port": port})
        connection.timeline = _timeline(connection)
        if self.superseded(connection):
            connection.close()
            raise psycopg.OperationalError(STALE)
        return _Met(place, connection)

    def _take(self, met: Sequence[_Met]) -> Connection:
        newest = max(met, key=lambda it: it.connection.timeline)
        for other in met:
            if other is not newest:
                other.connection.close()
        with self._lock:
            self._newest, self._last = max(self._newest, newest.connection.timeline), newest.place
        return newest.connection


def _places(given: dict[str, Any]) -> Sequence[Place]:
    hosts = str(given.get("host") or "").split(",")
    ports = str(given.get("port") or "").split(",")
    return list(zip(hosts, ports * len(hosts) if len(ports) == 1 else ports, strict=False))


def _timeline(connection: Connection) -> int:
    """0 where the server does not tell."""
    try:
        row = connection.execute(_TIMELINE).fetchone()
        connection.commit()
    except psycopg.Error:
        connection.rollback()
        return 0
    return int(row[0]) if row else 0
