"""Searches side by side, changes alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition


class SharedLock:
    """Held by many who share it or by one alone, in the order in which they asked: neither a stream
    of searches nor one of changes keeps the other waiting for ever. Not reentrant."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._queue: deque[object] = deque()
        self._sharing = 0
        self._alone = False

    @property
    def waiting(self) -> int:
        """How many want it and do not have it yet."""
        return len(self._queue)

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            self._await_turn(lambda: not self._alone)
            self._sharing += 1
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._await_turn(lambda: not self._alone and not self._sharing)
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()

    def _await_turn(self, free: Callable[[], bool]) -> None:
        ticket = object()
        self._queue.append(ticket)
        try:
            self._changed.wait_for(lambda: self._queue[0] is ticket and free())
        finally:  # also when the thread was interrupted: the next one must not wait for it
            self._queue.remove(ticket)
            self._changed.notify_all()
