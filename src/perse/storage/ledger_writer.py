"""Ledger entries of calls that write nothing else: many calls share one commit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from perse.domain.chains import ChainPoint
from perse.domain.consent import ConsentEntry

_MOST_AT_ONCE = 500


class Appends(Protocol):
    """What the writer writes to."""

    def append(self, entries: Sequence[ConsentEntry]) -> ChainPoint: ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: ConsentEntry
    written: Future[None]


class LedgerWriter:
    """One thread that appends whatever has come in while it committed what came before.

    A call hands its entry in when it begins and waits for it before it answers: the commit runs
    beside the networks, and its cost is shared by all calls of the moment.
    """

    def __init__(self, ledger: Appends) -> None:
        self._ledger = ledger
        self._incoming: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="perse-ledger", daemon=True)
        self._thread.start()

    def begin(self, entry: ConsentEntry) -> Future[None]:
        """Start writing ``entry``. Wait for the result before answering: it is there when the
        entry is on the disk, or is StorageUnavailable when it could not be written."""
        waiting = _Waiting(entry, Future())
        self._incoming.put(waiting)
        return waiting.written

    def close(self) -> None:
        """Write what was handed in, then stop."""
        self._incoming.put(None)
        self._thread.join()

    def _run(self) -> None:
        while batch := self._batch():
            _write(self._ledger, batch)

    def _batch(self) -> list[_Waiting]:
        """Wait for one entry and take what stands behind it; nothing when closed."""
        first = self._incoming.get()
        if first is None:
            return []
        batch = [first]
        while len(batch) < _MOST_AT_ONCE and not self._incoming.empty():
            following = self._incoming.get()
            if following is None:
                self._incoming.put(None)
                break
            batch.append(following)
        return batch


def _write(ledger: Appends, batch: Sequence[_Waiting]) -> None:
    try:
        ledger.append([waiting.entry for waiting in batch])
    except Exception as problem:  # every caller must hear of it, whatever it is
        for waiting in batch:
            waiting.written.set_exception(problem)
    else:
        for waiting in batch:
            waiting.written.set_result(None)
