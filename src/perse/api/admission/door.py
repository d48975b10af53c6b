"""The bounded door through which blocking work leaves the event loop, fair between tenants."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from perse.api.admission.turns import Piece, Room, Turns
from perse.errors import Overloaded
from perse.pipelines.ports import Other, Result
from perse.stages import carried, waited_since

_FULL = "every worker is busy and the queue is full: try again in a moment"
_PUSHED_OUT = "the queue is full and your part of it the longest: try again in a moment"


@dataclass(frozen=True, slots=True)
class Load:
    """What a piece of work is expected to need: seconds of a worker, and bytes of memory where
    they are more than any worker has anyway. ``first``: before all of its party's that waits."""

    cost_s: float = 0.001
    bulk: int = 0
    first: bool = False


_LITTLE = Load()
# Threads that wait outside for something other than a worker.
_MOST_OUTSIDE = 8


@dataclass(slots=True, eq=False)
class _Work(Piece):
    do: Callable[[], Any] | None = None
    future: Future[Any] = field(default_factory=Future)
    borrowed_s: float = 0.0
    started_s: float = 0.0
    processor_s: float = 0.0
    outside: bool = False


def _outcome_of(work: Callable[[], Any]) -> Callable[[Future[Any]], None]:
    """Do the work, and tell a future how it ended."""
    try:
        return partial(Future.set_result, result=work())
    except BaseException as problem:
        return partial(Future.set_exception, exception=problem)
    finally:
        del work


def _when_its_turn_comes(work: Callable[[], Result]) -> Callable[[], Result]:
    """The same work, which tells for how long it has waited from now until it is begun."""
    entered_s = time.perf_counter()

    def begun() -> Result:
        waited_since(entered_s)
        return work()

    return begun


class Door:
    """Worker threads that do what ``Turns`` starts. ``room.waiting`` pieces may wait for one.

    When one more comes, the newest of the longest queue is refused, so that whoever is inside is
    served in bounded time and nobody can fill the room against the others.
    """

    def __init__(
        self,
        name: str,
        room: Room,
        *,
        refused: Callable[[str], None] = lambda _: None,
        charge: Callable[[str, float], None] | None = None,
        on_thread: Callable[[], None] | None = None,
        on_long_thread: Callable[[], None] | None = None,
    ) -> None:
        """``refused`` is told the cause of each refusal: ``full`` or ``pushed_out``; ``charge`` is
        told, on the event loop, whose work has taken how many seconds of a processor;
        ``on_thread`` is called once on each worker thread, ``on_long_thread`` on those that do
        nothing but what is expected to take long; neither may raise."""
        self._turns: Turns[_Work] = Turns(room, clock=time.monotonic)
        threads = room.places + room.spare + _MOST_OUTSIDE
        self._pool = ThreadPoolExecutor(threads, f"perse-{name}", on_thread)
        self._long_pool = ThreadPoolExecutor(
            threads, f"perse-{name}-long", on_long_thread or on_thread
        )
        self._outside = 0
        self.places = room.places
        self._changed = threading.Condition(threading.Lock())
        self._here = threading.local()
        self._refused = refused
        self._charge = charge

    @property
    def busy(self) -> int:
        return self._turns.running

    @property
    def waiting(self) -> int:
        return self._turns.waiting

    @property
    def tenants_waiting(self) -> int:
        with self._changed:
            return self._turns.parties_waiting

    async def prepare(self, work: Callable[[], object] = lambda: None) -> None:
        """Start a worker thread before anybody comes, and do ``work`` on it, which is nobody's and
        has no turn."""
        await asyncio.wrap_future(self._pool.submit(work))

    def refuse_when_full(self, tenant: str) -> None:
        """Raise Overloaded when ``run`` would. Asked before a body is read at all."""
        with self._changed:
            full = self._turns.is_full_for(tenant)
        if full:
            self._refused("full")
            raise Overloaded(_FULL)

    async def run(self, tenant: str, work: Callable[[], Result], *, load: Load = _LITTLE) -> Result:
        """The result of ``work``, done on a worker thread. Raises Overloaded, or what it raises.

        Cancelled while the work still waits, the work is never started.
        """
        piece = _Work(
            tenant, load.cost_s, load.bulk, load.first, do=carried(_when_its_turn_comes(work))
        )
        future: Future[Result] = piece.future
        with self._changed:
            self._turns.enter(piece)
            self._start_what_may()
            out = self._turns.overflow(piece)
        if out is not None:
            self._refuse(out, "full" if out is piece else "pushed_out")
        waiting = asyncio.wrap_future(future)
        del work, future, out
        try:
            return await waiting
        except asyncio.CancelledError:
            self._withdraw(piece)
            raise
        finally:
            if self._charge is not None:
                self._charge(tenant, piece.processor_s)
            del waiting, piece  # or an error would point at itself, and at all it has seen

    def side_by_side(
        self, first: Callable[[], Result], second: Callable[[], Other]
    ) -> tuple[Result, Other]:
        """Both results, for work inside the door; ``second`` on another worker if one is idle.

        It never waits for work that has not started: what no worker has taken by the time
        ``first`` is done is taken back and done here, so workers cannot wait for one another.
        Halves that need more memory together than there is come one after the other.
        """
        piece: _Work = self._here.piece
        with self._changed:
            beside = piece.bulk <= self._turns.room.bulk and self._turns.borrow(piece)
        if not beside:
            return first(), second()
        other = self._pool_for(piece).submit(self._second_half, piece, carried(second))
        try:
            one = first()
            return one, second() if self._take_back(other) else other.result()
        except BaseException:
            self._take_back(other)
            raise
        finally:
            del other  # as in ``run``

    def let_go(self) -> None:
        """For work inside the door: give its place to the next piece, because the rest of it does
        nothing but wait, for a database say. When too many wait so, it keeps its place."""
        piece: _Work = self._here.piece
        with self._changed:
            if piece.outside or self._outside >= _MOST_OUTSIDE:
                return
            self._outside += 1
            self._finish(piece)
            piece.outside = True

    def close(self) -> None:
        """Finish what was accepted, then end the threads."""
        with self._changed:
            self._changed.wait_for(
                lambda: not (self._turns.waiting or self._turns.running or self._outside)
            )
        self._pool.shutdown(wait=True)
        self._long_pool.shutdown(wait=True)

    def _start_what_may(self) -> None:
        while (piece := self._turns.next()) is not None:
            if piece.future.set_running_or_notify_cancel():
                self._pool_for(piece).submit(self._serve, piece)
            else:
                self._turns.finish(piece, 0.0)

    def _pool_for(self, piece: _Work) -> ThreadPoolExecutor:
        """Threads that have stepped back cannot come forward again, so they are others."""
        long = piece.cost_s > self._turns.room.short_s and not piece.first
        return self._long_pool if long else self._pool

    def _serve(self, piece: _Work) -> None:
        """Do the work; make room before its result is told."""
        work, future = piece.do, piece.future
        assert work is not None  # noqa: S101 - a piece is started once
        self._here.piece, piece.started_s = piece, time.perf_counter()
        used_s = time.thread_time()
        tell = _outcome_of(work)
        piece.processor_s = time.thread_time() - used_s
        self._here.piece = None
        self._leave(piece)
        # An error points at this frame: whatever pointed from here at its work or at the error
        # would keep both until the collector runs.
        piece.do, work = None, None
        del piece.future
        tell(future)
        del tell, future

    def _second_half(self, piece: _Work, half: Callable[[], Other]) -> Other:
        self._here.piece, started_s = piece, time.perf_counter()
        try:
            return half()
        finally:
            self._here.piece = None
            self._give_back(piece, time.perf_counter() - started_s)

    def _take_back(self, half: Future[Other]) -> bool:
        """Whether no worker had taken the half, and nobody had taken it back."""
        if half.cancelled() or not half.cancel():
            return False
        self._give_back()
        return True

    def _leave(self, piece: _Work) -> None:
        with self._changed:
            if piece.outside:
                self._outside -= 1
            else:
                self._finish(piece)
            self._changed.notify_all()

    def _finish(self, piece: _Work) -> None:
        took_s = time.perf_counter() - piece.started_s
        self._turns.finish(piece, took_s + piece.borrowed_s)
        self._start_what_may()

    def _give_back(self, piece: _Work | None = None, took_s: float = 0.0) -> None:
        with self._changed:
            if piece is not None:
                piece.borrowed_s += took_s
            self._turns.give_back()
            self._start_what_may()
            self._changed.notify_all()

    def _withdraw(self, piece: _Work) -> None:
        with self._changed:
            self._turns.withdraw(piece)
            self._changed.notify_all()

    def _refuse(self, piece: _Work, cause: str) -> None:
        self._refused(cause)
        message = _FULL if cause == "full" else _PUSHED_OUT
        if piece.future.set_running_or_notify_cancel():
            piece.future.set_exception(Overloaded(message))
