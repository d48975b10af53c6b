"""One way to talk to SQLite and to PostgreSQL.

SQLite: write-ahead log, every commit on the disk before it returns (``synchronous=FULL``), deleted
content overwritten (``secure_delete``), file mode 0600. Transactions that write take the write lock
when they begin, so that two processes wait for each other instead of failing half way. Threads of
one process wait in a queue of their own before that: SQLite only looks now and then, and who looks
rarely would wait long behind one who writes all the time.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, TimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from perse.errors import SettingsInvalid, StorageUnavailable
from perse.stages import Stage, during
from perse.storage.advice import advice_on
from perse.storage.erasing import LogEraser
from perse.storage.outage import RETRY_AFTER_S, Outage
from perse.storage.statements import tell_statements

_BUSY_TIMEOUT_S = 15
_POSTGRESQL = ("postgres://", "postgresql://", "postgresql+psycopg://")
_INSUFFICIENT_PRIVILEGE = "42501"  # PostgreSQL's SQLSTATE
_WRITE = {"perse_write": True}
_LATER = {"perse_later": True}
_AT_LEISURE = {"perse_at_leisure": True}


@dataclass(frozen=True, slots=True)
class Database:
    """An opened database; safe to share between threads. Close it, or use it in a ``with``."""

    engine: sa.Engine
    outage: Outage = field(default_factory=lambda: Outage(lambda *_: None))
    _writing: threading.Lock = field(default_factory=threading.Lock)
    _eraser: LogEraser = field(init=False)

    def __post_init__(self) -> None:
        eraser = LogEraser(self._writing, patience_s=_BUSY_TIMEOUT_S)
        object.__setattr__(self, "_eraser", eraser)
        tell_statements(self.engine)

    @property
    def kind(self) -> str:
        """sqlite or postgresql."""
        return self.engine.dialect.name

    @property
    def is_sqlite(self) -> bool:
        return self.kind == "sqlite"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads, and sees one moment of the database throughout.

        Raises StorageUnavailable.
        """
        with (
            _storage_errors(),
            self.outage.asking() as reached,
            self._reading.connect() as connection,
            connection.begin(),
        ):
            reached()
            yield connection

    @property
    def _reading(self) -> sa.Engine:
        if self.is_sqlite:
            return self.engine
        return self.engine.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that is on the disk when the block ends, or leaves nothing behind.

        Raises StorageUnavailable.
        """
        with self._writes(_WRITE) as connection:
            yield connection

    @contextmanager
    def write_at_leisure(self) -> Iterator[sa.Connection]:
        """As ``write``, for statements that may take minutes, such as those of a migration."""
        with self._writes(_WRITE | _AT_LEISURE) as connection:
            yield connection

    def insist_on_disk(self, connection: sa.Connection) -> None:
        """Let this transaction be on the disk when it ends, also on a PostgreSQL that was set up
        to answer before: what is destroyed next must not be needed again after a power cut."""
        if not self.is_sqlite:
            connection.exec_driver_sql(
                "SELECT set_config('synchronous_commit', 'on', true) "
                "WHERE current_setting('synchronous_commit') = 'off'"
            )

    @contextmanager
    def write_soon(self) -> Iterator[sa.Connection]:
        """A transaction that may be lost when the machine stops, for what is not worth a wait."""
        with self._writes(_WRITE | _LATER) as connection:
            yield connection

    @contextmanager
    def _writes(self, options: Mapping[str, bool]) -> Iterator[sa.Connection]:
        writing = self.engine.execution_options(**options)
        with (
            _storage_errors(),
            self.outage.asking() as reached,
            writing.connect() as connection,
            self._in_turn(),
            connection.begin(),
        ):
            reached()
            yield connection

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=_BUSY_TIMEOUT_S):
            raise StorageUnavailable(advice_on("is locked"), retry_after_s=2)
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def write_and_erase(self, *, at_leisure: bool = False) -> Iterator[sa.Connection]:
        """A transaction that destroys: when the block ends it is on the disk, and nothing of what
        it overwrote or deleted is in SQLite's files. ``at_leisure``: as ``write_at_leisure``.

        The commit itself does not wait for the disk, because emptying the log does. Raises
        StorageUnavailable, and TracesRemain when all is done but that.
        """
        if self.is_sqlite:
            writing = self.write_soon()
        else:
            writing = self.write_at_leisure() if at_leisure else self.write()
        with writing as connection:
            yield connection
        self.erase_traces()

    def erase_traces(self) -> None:
        """Empty SQLite's write-ahead log, so that what was deleted is in no file any more.

        Waits for readers; raises TracesRemain when one does not end. On PostgreSQL the
        log belongs to the server: there the destroyed keys are what counts.
        """
        if not self.is_sqlite:
            return
        with _storage_errors(), self.engine.connect() as connection:
            raw = connection.connection.driver_connection
            if raw is None:
                raise StorageUnavailable("the database connection was lost: try again")
            self._eraser.erase(raw)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_database(url: str) -> Database:
    """Open ``url`` (sqlite:///FILE or postgresql://...). Raises SettingsInvalid for any other."""
    try:
        if url.startswith(_POSTGRESQL):
            return _open_postgresql(url)
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return Database(_open_sqlite(parsed))
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as problem:
        raise SettingsInvalid(
            f"this database URL cannot be opened ({type(problem).__name__}): use "
            "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME, with no options but libpq's; "
            "PostgreSQL needs the extra perse[postgres]"
        ) from None
    raise SettingsInvalid("PERSE_DATABASE_URL must begin with sqlite:/// or postgresql://")


def _open_postgresql(url: str) -> Database:
    from perse.storage import postgresql  # noqa: PLC0415 - only who has the extra can load it

    return Database(postgresql.open_postgresql(url), Outage(postgresql.vain_s))


def _open_sqlite(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise SettingsInvalid("a SQLite database is a file here: sqlite:///FILE")
    if url.query:
        raise SettingsInvalid("a SQLite URL takes no options here: sqlite:///FILE")
    _create_private(Path(url.database))
    engine = sa.create_engine(
        url.set(drivername="sqlite+pysqlite"),
        connect_args={"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False},
        pool_size=8,
        max_overflow=32,
    )
    sa.event.listen(engine, "connect", _set_up_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(file: Path) -> None:
    """SQLite gives its log and index files the mode of the database file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as problem:
        place = "" if problem.filename == str(file) else f"{problem.filename}: "
        raise StorageUnavailable(
            f"the database file {file} cannot be opened for writing: {place}{problem.strerror}"
        ) from None


def _set_up_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    durable = "NORMAL" if options.get("perse_later", False) else "FULL"
    if connection.info.get("synchronous") != durable:
        connection.exec_driver_sql(f"PRAGMA synchronous={durable}")
        connection.info["synchronous"] = durable
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("perse_write", False) else "BEGIN")


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Say what an operator can do, without the statement and its values; and how long it took."""
    try:
        with during(Stage.STORE):
            yield
    except TimeoutError:
        raise StorageUnavailable("all database connections are in use: try again") from None
    except DBAPIError as problem:
        if isinstance(problem, sa.exc.IntegrityError | sa.exc.ProgrammingError):
            _raise_what_an_operator_set(problem)
            raise
        raise StorageUnavailable(
            advice_on(str(problem.orig)), retry_after_s=RETRY_AFTER_S
        ) from problem


def _raise_what_an_operator_set(problem: DBAPIError) -> None:
    """Mistakes of a URL and of a database's rights, which look like mistakes of ours."""
    if problem.statement is None:
        raise SettingsInvalid(
            "the options of this database URL are no good: use postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    if getattr(problem.orig, "sqlstate", None) == _INSUFFICIENT_PRIVILEGE:
        raise SettingsInvalid(
            "the database's user may not do this: make it the owner of the database, or grant it "
            "CREATE and USAGE on the schema and all rights on its tables"
        ) from None
