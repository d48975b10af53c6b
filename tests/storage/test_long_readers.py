"""A long reader delays the deletions that need the log empty, and nothing else."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from perse.domain.consent import Processing
from perse.domain.references import UserToken
from perse.errors import StorageUnavailable
from perse.storage.erasing import LogEraser
from perse.storage.storage import Storage
from tests.storage.samples import entry, reference, with_tenants

PATIENCE_S = 10.0


@pytest.fixture(autouse=True)
def tenants(sqlite: Storage) -> None:
    with_tenants(sqlite.keys)


def enrol(storage: Storage, seed: int) -> UserToken:
    made = reference(seed)
    return storage.references.add(made, entry=entry(token=made.record.user_token)).user_token


def delete(storage: Storage, token: UserToken) -> None:
    storage.references.delete(token, entry=entry(operation=Processing.DELETE, token=token))


@contextmanager
def long_reader(folder: Path) -> Iterator[None]:
    """Another program that is in the middle of reading."""
    with closing(sqlite3.connect(folder / "perse.db", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM subjects").fetchall()
        yield


def test_beside_a_long_reader_others_write_while_deletions_wait(
    sqlite: Storage, tmp_path: Path
) -> None:
    tokens = [enrol(sqlite, n) for n in range(6)]
    with ThreadPoolExecutor(len(tokens)) as deleting:
        with long_reader(tmp_path):
            waiting = [deleting.submit(delete, sqlite, token) for token in tokens]
            time.sleep(0.2)
            longest_s = max(_append_s(sqlite) for _ in range(20))
            assert not any(task.done() for task in waiting)
        for task in waiting:
            task.result(timeout=PATIENCE_S)
    # Far below the patience of a deletion, however slow the disk and the machine are.
    assert longest_s < 2.0
    assert (tmp_path / "perse.db-wal").stat().st_size == 0


def _append_s(storage: Storage) -> float:
    started = time.monotonic()
    storage.ledger.append([entry()])
    return time.monotonic() - started


def test_one_emptying_serves_everybody_who_asked_before_it_began(tmp_path: Path) -> None:
    eraser = _CountingEraser(threading.Lock(), patience_s=PATIENCE_S)
    with (
        closing(sqlite3.connect(tmp_path / "x.db", check_same_thread=False)) as connection,
        ThreadPoolExecutor(8) as many,
    ):
        eraser.may.clear()
        first = many.submit(eraser.erase, connection)
        assert eraser.begun.acquire(timeout=PATIENCE_S)
        rest = [many.submit(eraser.erase, connection) for _ in range(7)]
        time.sleep(0.1)
        eraser.may.set()
        for task in (first, *rest):
            task.result(timeout=PATIENCE_S)
    assert eraser.emptied == 2


class _CountingEraser(LogEraser):
    def __init__(self, writing: threading.Lock, *, patience_s: float) -> None:
        super().__init__(writing, patience_s=patience_s)
        self.emptied = 0
        self.may, self.begun = threading.Event(), threading.Semaphore(0)

    def _empty(self, connection: sqlite3.Connection, deadline: float) -> None:
        self.begun.release()
        assert self.may.wait(PATIENCE_S)
        self.emptied += 1


def test_all_who_wait_for_a_reader_without_end_are_told_when_their_own_patience_ends(
    sqlite: Storage, tmp_path: Path
) -> None:
    enrol(sqlite, 1)
    eraser = LogEraser(threading.Lock(), patience_s=0.3)
    with (
        long_reader(tmp_path),
        closing(
            sqlite3.connect(tmp_path / "perse.db", isolation_level=None, check_same_thread=False)
        ) as connection,
        ThreadPoolExecutor(5) as many,
    ):
        connection.execute("UPDATE tenants SET revision = revision + 1")
        started = time.monotonic()
        waiting = [many.submit(eraser.erase, connection) for _ in range(5)]
        for task in waiting:
            with pytest.raises(StorageUnavailable, match="long reader"):
                task.result(timeout=PATIENCE_S)
        assert time.monotonic() - started < 5 * 0.3 + 1
