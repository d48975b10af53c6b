"""Empty SQLite's write-ahead log without stopping everybody else.

A checkpoint that empties the log takes the write lock and keeps it while it waits for readers. So
it waits for milliseconds only, lets go, and comes back: one long reader delays the deletions that
need the log empty, and no other write. One emptying serves everybody who asked before it began.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
import time

from perse.errors import TracesRemain

# An ordinary reader is gone within one of these; the pauses are what others write in.
_PATIENCE_MS = (0, 1, 2, 5, 10, 20)
_PAUSES_PER_PATIENCE = 4
_LEAST_PAUSE_S = 0.002


class LogEraser:
    """Safe to share between threads. ``writing`` is held by whoever writes in this process."""

    def __init__(self, writing: threading.Lock, *, patience_s: float) -> None:
        """``patience_s``: how long a caller waits for a long reader to end."""
        self._writing = writing
        self._patience_s = patience_s
        self._emptying = threading.Lock()
        self._begun = 0
        self._done = 0

    def erase(self, connection: sqlite3.Connection) -> None:
        """When this returns, nothing that was deleted before it was called is in the log.

        Raises TracesRemain when a reader does not end; the next call or start empties it.
        """
        asked_after, deadline = self._begun, time.monotonic() + self._patience_s
        if not self._emptying.acquire(timeout=self._patience_s):
            raise _kept_by_a_reader()
        try:
            if self._done <= asked_after:
                self._begun += 1
                self._empty(connection, deadline)
                self._done = self._begun
        finally:
            self._emptying.release()

    def _empty(self, connection: sqlite3.Connection, deadline: float) -> None:
        for patience_ms in itertools.chain(_PATIENCE_MS, itertools.repeat(_PATIENCE_MS[-1])):
            if self._emptied(connection, patience_ms):
                return
            if time.monotonic() >= deadline:
                raise _kept_by_a_reader()
            time.sleep(max(_LEAST_PAUSE_S, _PAUSES_PER_PATIENCE * patience_ms / 1000))

    def _emptied(self, connection: sqlite3.Connection, patience_ms: int) -> bool:
        (before,) = connection.execute("PRAGMA busy_timeout").fetchone()
        with self._writing:
            connection.execute(f"PRAGMA busy_timeout={patience_ms}")
            try:
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.execute(f"PRAGMA busy_timeout={before}")
        return not busy


def _kept_by_a_reader() -> TracesRemain:
    return TracesRemain(
        "what was deleted is gone from the database, but a long reader keeps its write-ahead log: "
        "end that reader; the log is emptied at the next deletion or start"
    )
