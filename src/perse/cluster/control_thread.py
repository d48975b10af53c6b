"""One thread for the calls that a cluster may keep waiting for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from perse.errors import ClusterUnavailable

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Call:
    """``purpose``: what it was for."""

    done: Future[Any]
    purpose: object

    def answers(self, purpose: object) -> bool:
        """That it has succeeded, and is what another call would be."""
        same = purpose is not None and self.purpose == purpose
        return same and self.done.exception() is None


class ControlThread:
    """Whoever calls gives up in time; the call goes on, and until it has ended nobody else waits
    for one. Safe to share between threads.

    The thread never ends: Ray takes over signals in the main one, Linux ends with a thread what Ray
    started there, and a thread for each call would leave one behind for each that is stuck. It
    keeps no process from ending.
    """

    def __init__(self) -> None:
        self._calling = threading.Lock()
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._started = False  # with the first call, so that a process may be forked before
        self._late: _Call | None = None

    def within(
        self, most_s: float, work: Callable[[], Result], *, purpose: object = None
    ) -> Result:
        """Raises ClusterUnavailable after so many seconds, and at once while an earlier call still
        goes on. ``purpose``: a call that succeeded too late is the answer to the next one for the
        same; None = nobody wants it any more."""
        with self._calling:
            late, self._late = self._late, None
            if late and not late.done.done():
                self._late = late
                raise _silent()
            if late and late.answers(purpose):
                earlier: Result = late.done.result()
                return earlier
            answer: Result = self._answer(_Call(self._begun(work), purpose), most_s)
            return answer

    def _begun(self, work: Callable[[], Any]) -> Future[Any]:
        if not self._started:
            threading.Thread(target=self._run, name="perse-cluster", daemon=True).start()
            self._started = True
        done: Future[Any] = Future()
        self._calls.put((done, work))
        return done

    def _answer(self, call: _Call, most_s: float) -> Any:  # noqa: ANN401 - whatever it is
        try:
            return call.done.result(most_s)
        except TimeoutError:
            if call.done.done():  # its own
                raise
            self._late = call
            raise _silent() from None

    def _run(self) -> None:
        while True:
            done, work = self._calls.get()
            try:
                done.set_result(work())
            except BaseException as problem:
                done.set_exception(problem)
            del done, work


def _silent() -> ClusterUnavailable:
    return ClusterUnavailable("the head node of the cluster does not answer")


CONTROL: Final = ControlThread()
