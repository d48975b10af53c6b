"""Workers on a cluster, each an actor with a core of its own.

What goes through the cluster are addresses and names one way, and codes, sentences and ids the
other. A worker reads the pictures and writes what it made of them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from perse.bulk.crews import Task, Work, WorkerId, WorkerLost
from perse.bulk.items import Part
from perse.errors import ClusterUnavailable, PerseError
from perse.failures import sentence

Result = TypeVar("Result")

_LONGEST_SILENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class _Ended:
    """An error that ends the whole, in words: its own class need not be known on the other side."""

    message: str


class BulkWorker:
    """The actor. Opens what it works with once; raises nothing."""

    def __init__(self, open_work: Callable[[], Work[Any]]) -> None:
        self._open_work = open_work
        self._do: Work[Any] | None = None

    def begin(self) -> Sequence[Any] | _Ended:
        return _told(self._opened)

    def work(self, part: Part) -> Sequence[Any] | _Ended:
        return _told(lambda: self._done(part))

    def _opened(self) -> Sequence[Any]:
        self._do = self._open_work()
        return ()

    def _done(self, part: Part) -> Sequence[Any]:
        assert self._do is not None  # noqa: S101 - nothing is given before it has begun
        return list(self._do(part))


def _told(do: Callable[[], Sequence[Any]]) -> Sequence[Any] | _Ended:
    try:
        return do()
    except (PerseError, OSError) as error:
        return _Ended(sentence(error))
    except Exception as error:  # whatever it says may be about a picture
        return _Ended(f"a worker failed with {type(error).__name__}: what was done is kept")


class Actor(Protocol):
    """An object somewhere in the cluster."""

    def ask(self, method: str, *given: object) -> Future[Any]:
        """The future raises ClusterUnavailable where the actor is lost."""
        ...

    def end(self) -> None: ...


@dataclass
class ClusterStaff(Generic[Result]):
    """``start``: an actor of ``BulkWorker`` somewhere, with a core of its own."""

    start: Callable[[], Actor]
    _actors: dict[WorkerId, Actor] = field(default_factory=dict)
    _hired: int = 0

    def hire(self) -> tuple[WorkerId, Task]:
        self._hired += 1
        actor = self._actors[self._hired] = self.start()
        return self._hired, actor.ask("begin")

    def begin(self, worker: WorkerId, part: Part) -> Task:
        return self._actors[worker].ask("work", list(part))

    def first_done(self, tasks: Collection[Task]) -> Task:
        futures = [task for task in tasks if isinstance(task, Future)]
        done, _ = wait(futures, _LONGEST_SILENCE_S, FIRST_COMPLETED)
        if not done:
            raise ClusterUnavailable(
                f"no worker has answered for {_LONGEST_SILENCE_S / 60:.0f} minutes: look whether "
                "the cluster has a free core (ray status); what was done is kept"
            )
        return done.pop()

    def result(self, task: Task) -> Sequence[Result]:
        assert isinstance(task, Future)  # noqa: S101 - it is one of ours
        try:
            told = task.result()
        except ClusterUnavailable:
            raise WorkerLost from None
        if isinstance(told, _Ended):
            raise PerseError(told.message)
        results: Sequence[Result] = told
        return results

    def dismiss(self, worker: WorkerId) -> None:
        self._actors.pop(worker).end()
