"""Connections to PostgreSQL that wait for nobody for ever.

A network that is cut says nothing: whoever waits for an answer must know for how long. The kernel
gives up what is not acknowledged, psycopg a connection that is not opened, PostgreSQL a statement
that takes too long and a transaction that its server has left open. What is left is a database that
is frozen behind a network that works: there the connection itself loses patience.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.pool import ConnectionPoolEntry

from perse.errors import SettingsInvalid
from perse.storage.advice import NO_CONNECTION_LEFT
from perse.storage.primary import STALE, Connection, Primary

LATER, AT_LEISURE = "perse_later", "perse_at_leisure"

_POOL_S: Final = 5
_LISTEN_AGAIN_S: Final = 0.1
_UNHURRIED: Final = (
    "SELECT set_config('statement_timeout', '0', true), "
    "set_config('idle_in_transaction_session_timeout', '0', true)"
)


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds, whole ones where PostgreSQL and libpq count: for a connection to be opened, a
    rested one to show that it still is one, a statement, and bytes to be acknowledged. A server
    that froze or vanished within a transaction may hold what all others wait for: it is ended when
    it leaves a transaction ``idle``."""

    connection_s: int = 3
    ping_s: float = 3.0
    statement_s: float = 7.0
    idle_s: float = 5.0
    acknowledgement_s: float = 5.0

    @property
    def silence_s(self) -> float:
        """Longer than for a statement: PostgreSQL can say what was the matter."""
        return self.statement_s + 1.0

    @property
    def connection(self) -> dict[str, Any]:
        """As libpq is told."""
        return {
            "application_name": "perse",
            "connect_timeout": self.connection_s,
            "tcp_user_timeout": int(1000 * self.acknowledgement_s),
            "keepalives": 1,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        }

    @property
    def session(self) -> str:
        """As PostgreSQL is told."""
        return (
            f"SELECT set_config('statement_timeout', '{int(1000 * self.statement_s)}', false), "
            "set_config('idle_in_transaction_session_timeout', "
            f"'{int(1000 * self.idle_s)}', false)"
        )


PATIENCE: Final = Patience()
Answer = TypeVar("Answer")


class Silent(psycopg.OperationalError):
    """The database took what it was asked, and said nothing for ``silence_s``."""

    def __init__(self, silence_s: float) -> None:
        super().__init__("the database does not answer in time")
        self.silence_s = silence_s


class PatientConnection(Connection):
    """``patience_s``: how long the other side may say nothing; None = for ever."""

    patience_s: float | None = None

    def wait(
        self,
        gen: Generator[Any, Any, Answer],
        interval: float = _LISTEN_AGAIN_S,
        timeout: float | None = None,
    ) -> Answer:
        """As psycopg waits, but not longer than that. Raises Silent, and is closed then."""
        if self.patience_s is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(_heard(gen, self.patience_s), interval, timeout)
        except Silent:
            self.pgconn.finish()
            raise


def _heard(gen: Generator[Any, Any, Answer], silence_s: float) -> Generator[Any, Any, Answer]:
    """``gen``, which is told again and again whether something has come."""
    deadline_s = time.monotonic() + silence_s
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                deadline_s = time.monotonic() + silence_s
            elif time.monotonic() >= deadline_s:
                raise Silent(silence_s)
            wanted = gen.send(ready)
    except StopIteration as end:
        answer: Answer = end.value
        return answer


def open_postgresql(url: str, patience: Patience = PATIENCE) -> sa.Engine:
    """A pool of such connections. ``url`` may name several servers, of which the primary is used:
    ``postgresql://USER@ONE:5432,OTHER:5432/NAME``. Raises ValueError for what is no URL,
    SettingsInvalid for several that ``hostaddr`` names."""
    asked = patience.connection | _as_libpq_reads(url)
    engine = sa.create_engine(
        "postgresql+psycopg://",
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=32,
        pool_timeout=_POOL_S,
    )
    primary = Primary(PatientConnection.connect)

    def connect(
        _: Dialect, __: ConnectionPoolEntry, ___: object, given: dict[str, Any]
    ) -> psycopg.Connection[Any]:
        return primary.connect(**(asked | given))

    def leave_superseded(connection: object, *_: object) -> None:
        if isinstance(connection, Connection) and primary.superseded(connection):
            raise sa.exc.DisconnectionError(STALE)

    sa.event.listen(engine, "do_connect", connect)
    sa.event.listen(engine, "checkout", leave_superseded)
    _lose_patience(engine, patience)
    return engine


def _lose_patience(engine: sa.Engine, patience: Patience) -> None:
    """Less with a connection that rests than with a statement, none with what takes its time."""

    def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        _set_patience(connection, patience.ping_s)
        with connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(patience.session)
        connection.commit()

    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        leisurely = options.get(AT_LEISURE, False)
        raw = connection.connection.driver_connection
        _set_patience(raw, None if leisurely else patience.silence_s)
        if leisurely:
            connection.exec_driver_sql(_UNHURRIED)
        if options.get(LATER, False):
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")

    def rest(connection: DBAPIConnection | None, _: ConnectionPoolEntry) -> None:
        _set_patience(connection, patience.ping_s)

    sa.event.listen(engine, "connect", set_up)
    sa.event.listen(engine, "begin", begin)
    sa.event.listen(engine, "checkin", rest)


def _as_libpq_reads(url: str) -> dict[str, Any]:
    _, slashes, rest = url.partition("://")
    try:
        told = dict(conninfo_to_dict(f"postgresql{slashes}{rest}"))
    except psycopg.Error:
        raise ValueError("no URL of PostgreSQL") from None
    if not str(told.get("port") or "").replace(",", "0").isdigit() and "port" in told:
        raise ValueError("no port")
    if told.get("hostaddr") and "," in f"{told.get('host')}{told['hostaddr']}":
        raise SettingsInvalid(
            "several servers of a database URL are named by host, which may be their addresses: "
            "leave hostaddr out"
        )
    return told


def _set_patience(connection: object, patience_s: float | None) -> None:
    if isinstance(connection, PatientConnection):
        connection.patience_s = patience_s


def vain_s(problem: Exception, taken_s: float) -> float | None:
    """For how long somebody waited for nothing: a connection that could not be opened, or an answer
    that did not come. One that was lost says nothing of those that are opened next, and a database
    that has no connection left is there."""
    if not isinstance(problem, sa.exc.OperationalError) or _is_full(str(problem.orig)):
        return None
    if isinstance(problem.orig, Silent):
        return min(taken_s, problem.orig.silence_s)
    return taken_s if problem.statement is None else None


def _is_full(cause: str) -> bool:
    return any(mark in cause for mark in NO_CONNECTION_LEFT)
