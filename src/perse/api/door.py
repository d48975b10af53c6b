"""The one bounded door through which blocking work leaves the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from perse.errors import Overloaded
from perse.pipelines.ports import Other, Result


class Door:
    """``workers`` threads, and at most ``waiting`` pieces of work waiting for one.

    One more is refused at once, so that whoever is inside is served in bounded time. Work is
    started in the order of its arrival.
    """

    def __init__(self, name: str, *, workers: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=f"perse-{name}")
        self._workers = workers
        self._room = workers + waiting
        self._lock = threading.Lock()
        self._inside = 0  # accepted and not done
        self._served = 0  # of these, on a worker
        self._busy = 0  # workers at work, also on the second half of something

    @property
    def busy(self) -> int:
        return self._busy

    @property
    def waiting(self) -> int:
        return self._inside - self._served

    def refuse_when_full(self) -> None:
        """Raise Overloaded when ``run`` would. Asked before a body is read at all."""
        if self._inside >= self._room:
            raise Overloaded("every worker is busy and the queue is full: try again in a moment")

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of ``work``, done on a worker thread. Raises Overloaded, or what it raises.

        Cancelled while the work still waits, the work is never started.
        """
        with self._lock:
            self.refuse_when_full()
            self._inside += 1
        try:
            future = self._pool.submit(self._serve, work)
        except BaseException:
            self._leave(None)
            raise
        future.add_done_callback(self._leave)
        try:
            return await asyncio.wrap_future(future)
        finally:
            del future  # holds what was raised, which holds this frame: a circle round the body

    def side_by_side(
        self, first: Callable[[], Result], second: Callable[[], Other]
    ) -> tuple[Result, Other]:
        """Both results, for work inside the door; ``second`` on another worker if one is idle.

        It never waits for work that has not started: what no worker has taken by the time
        ``first`` is done is taken back and done here, so workers cannot wait for one another.
        """
        if self._busy >= self._workers:
            return first(), second()
        other = self._pool.submit(self._occupied, second)
        try:
            one = first()
            return one, second() if other.cancel() else other.result()
        finally:
            other.cancel()
            del other  # as in ``run``

    def close(self) -> None:
        """Finish what was accepted, then end the threads."""
        self._pool.shutdown(wait=True)

    def _serve(self, work: Callable[[], Result]) -> Result:
        with self._lock:
            self._served += 1
        try:
            return self._occupied(work)
        finally:
            with self._lock:
                self._served -= 1

    def _occupied(self, work: Callable[[], Result]) -> Result:
        with self._lock:
            self._busy += 1
        try:
            return work()
        finally:
            with self._lock:
                self._busy -= 1

    def _leave(self, _: Future[Result] | None) -> None:
        with self._lock:
            self._inside -= 1
