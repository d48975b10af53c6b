"""Who shares, who is alone, and whose turn it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from perse.search.shared_lock import SharedLock

Way = Callable[[], AbstractContextManager[None]]


class Holder:
    """Holds the lock on a thread of its own until it is told to let go."""

    def __init__(self, way: Way) -> None:
        self.inside, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold, args=(way,), daemon=True)
        self._thread.start()

    def _hold(self, way: Way) -> None:
        with way():
            self.inside.set()
            assert self._leave.wait(10)

    def leave(self) -> None:
        self._leave.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


def waiting(lock: SharedLock, way: Way) -> Holder:
    before = lock.waiting
    holder = Holder(way)
    while lock.waiting == before:
        assert not holder.inside.wait(0.001)
    return holder


def test_many_share_it() -> None:
    lock = SharedLock()
    one, other = Holder(lock.shared), Holder(lock.shared)
    assert one.inside.wait(10)
    assert other.inside.wait(10)
    one.leave()
    other.leave()


@pytest.mark.parametrize("first", ["shared", "alone"])
def test_who_is_alone_waits_for_everybody_and_is_waited_for(first: str) -> None:
    lock = SharedLock()
    inside = Holder(getattr(lock, first))
    assert inside.inside.wait(10)
    alone = waiting(lock, lock.alone)
    after = waiting(lock, lock.shared)
    inside.leave()
    assert alone.inside.wait(10)
    assert not after.inside.is_set()
    alone.leave()
    assert after.inside.wait(10)
    after.leave()


def test_a_stream_of_searches_keeps_no_change_waiting() -> None:
    lock = SharedLock()
    searching = Holder(lock.shared)
    assert searching.inside.wait(10)
    change, next_search = waiting(lock, lock.alone), waiting(lock, lock.shared)
    searching.leave()
    assert change.inside.wait(10)
    change.leave()
    next_search.leave()


def test_an_error_inside_lets_go() -> None:
    lock = SharedLock()
    for way in (lock.alone, lock.shared):
        with pytest.raises(ValueError, match="inside"), way():
            raise ValueError("inside")
    with lock.alone():
        assert lock.waiting == 0
