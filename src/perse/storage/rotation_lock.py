"""One rotation of a database's secrets at a time, whichever process or machine runs it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from perse.errors import StorageUnavailable
from perse.files import only_one
from perse.storage.database import Database

# Any number, as long as no other program locks the same one in this database.
_ADVISORY_LOCK = 0x50657273_6531
_TRY_AGAIN_S = 0.05
# The lock lasts as long as the rotation, whatever limits were set for idle transactions; a machine
# that vanishes without a word is given up after 75 s, where PostgreSQL would wait for hours.
_SESSION = """
    SELECT set_config(name, value, true)
    FROM pg_settings JOIN (VALUES
        ('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0'),
        ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '15'),
        ('tcp_keepalives_count', '3')
    ) AS wanted(name, value) USING (name)
"""


@contextmanager
def rotation_lock(database: Database, *, wait_s: float) -> Iterator[None]:
    """Hold off every other rotation, and nothing else: servers go on. It ends with its holder,
    however that dies. Raises StorageUnavailable when others hold it for longer than ``wait_s``.

    PostgreSQL: an advisory lock of a transaction that does nothing else and pins no row version.
    SQLite, which serves one machine: a lock file beside the database.
    """
    busy = StorageUnavailable(
        "another rotation of this database's secrets is under way: let it end, "
        "then run this again if you still want to"
    )
    if database.is_sqlite:
        file = Path(str(database.engine.url.database)).resolve()
        with only_one(
            file.parent / ".locks" / f"{file.name}.rotation.lock", wait_s=wait_s, busy=busy
        ):
            yield
    else:
        with database.write() as connection:
            connection.execute(sa.text(_SESSION))
            _wait(connection, wait_s, busy)
            yield


def _wait(connection: sa.Connection, wait_s: float, busy: StorageUnavailable) -> None:
    deadline = time.monotonic() + wait_s
    attempt = sa.select(sa.func.pg_try_advisory_xact_lock(_ADVISORY_LOCK))
    while not connection.execute(attempt).scalar():
        if time.monotonic() >= deadline:
            raise busy
        time.sleep(_TRY_AGAIN_S)
