"""Who works through the parts of a source: threads here, or workers that may be lost.

Parts are taken from their iterator when somebody is free for them, and no sooner: however long a
source is, a few parts are on their way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Generic, Protocol, TypeVar

from perse.bulk.items import Item, Part
from perse.crew import work_through
from perse.errors import PerseError

Result = TypeVar("Result")
Outcome_co = TypeVar("Outcome_co", covariant=True)
Work = Callable[[Part], Sequence[Result]]
Task = Hashable
WorkerId = Hashable

_AHEAD = 2  # for each worker: one that it does and one to go on with
# What was given to so many workers, alone, and each of them was lost, is given to no other.
_MOST_LOST = 3
# So many workers in a row may fail to begin before there is no sense in another.
_MOST_UNBORN = 5


class Crew(Protocol[Outcome_co]):
    """Works through parts, each in one piece or not at all, in whatever order."""

    def work(self, parts: Iterable[Part]) -> Iterator[tuple[Part, Sequence[Outcome_co]]]:
        """A part and what became of its items. The first error ends it, and so does whoever stops
        listening."""
        ...


@dataclass(frozen=True, slots=True)
class Threads(Generic[Result]):
    """Threads of this process, which share its networks."""

    do: Work[Result]
    count: int

    def work(self, parts: Iterable[Part]) -> Iterator[tuple[Part, Sequence[Result]]]:
        def both(part: Part) -> tuple[Part, Sequence[Result]]:
            return part, self.do(part)

        for _, done in work_through(parts, both, workers=self.count, name="perse-bulk"):
            yield done


class WorkerLost(Exception):
    """A worker is gone, with whatever it was at: killed, out of memory, or its machine is gone."""


class Staff(Protocol[Outcome_co]):
    """Hires workers and gives them tasks; nothing here blocks but ``first_done``."""

    def hire(self) -> tuple[WorkerId, Task]:
        """A worker, and the task of its opening its networks, of which nothing results."""
        ...

    def begin(self, worker: WorkerId, part: Part) -> Task: ...

    def first_done(self, tasks: Collection[Task]) -> Task:
        """One of them that is done. Raises PerseError when none will be."""
        ...

    def result(self, task: Task) -> Sequence[Outcome_co]:
        """Of one that is done. Raises WorkerLost, or the PerseError that ended it."""
        ...

    def dismiss(self, worker: WorkerId) -> None:
        """At once, whatever it is at."""
        ...


@dataclass(frozen=True, slots=True)
class _Given:
    """A part, and whether it was lost before; ``alone``: with how many workers who had nothing
    else."""

    part: Part
    lost: bool = False
    alone: int = 0


@dataclass(frozen=True, slots=True)
class Workers(Generic[Result]):
    """``count`` workers; who is lost is replaced, and what they were at is done again, one item at
    a time and by a worker who has nothing else. An item that takes ``_MOST_LOST`` workers with it
    comes to what ``given_up`` says. Work must be such that doing it again changes nothing."""

    staff: Staff[Result]
    count: int
    given_up: Callable[[Item], Result]

    def work(self, parts: Iterable[Part]) -> Iterator[tuple[Part, Sequence[Result]]]:
        shift = _Shift(self.staff, self.count, iter(parts))
        try:
            while (task := shift.next_done()) is not None:
                yield from self._told(shift, task)
        finally:
            shift.end()

    def _told(self, shift: _Shift[Result], task: Task) -> Iterator[tuple[Part, Sequence[Result]]]:
        if task in shift.opening:
            shift.opened(task)
            return
        worker, given = shift.running.pop(task)
        try:
            yield given.part, self.staff.result(task)
        except WorkerLost:
            shift.lose(worker)
            if given.alone < _MOST_LOST - 1 or len(given.part) > 1:
                shift.again(given)
            else:
                yield given.part, [self.given_up(item) for item in given.part]


@dataclass(slots=True)
class _Shift(Generic[Result]):
    """Who is there and what they are at."""

    staff: Staff[Result]
    count: int
    parts: Iterator[Part]
    there: set[WorkerId] = field(default_factory=set)
    opening: dict[Task, WorkerId] = field(default_factory=dict)
    running: dict[Task, tuple[WorkerId, _Given]] = field(default_factory=dict)
    lost: deque[_Given] = field(default_factory=deque)
    unborn: int = 0
    following: Part | None = None

    def next_done(self) -> Task | None:
        """A task that is done; None when nothing is left to do."""
        for worker in self.there:
            self._give(worker)
        if not (self.running or self.lost or self._follows()):
            return None
        while len(self.there) + len(self.opening) < self.count:
            worker, task = self.staff.hire()
            self.opening[task] = worker
        return self.staff.first_done([*self.running, *self.opening])

    def opened(self, task: Task) -> None:
        """The worker can begin. Raises PerseError when one after the other cannot."""
        worker = self.opening.pop(task)
        try:
            self.staff.result(task)
        except WorkerLost:
            self.unborn += 1
            if self.unborn == _MOST_UNBORN:
                raise PerseError(
                    f"{_MOST_UNBORN} workers in a row were lost before they could begin: look at "
                    "their machines' memory and logs; what was done is kept"
                ) from None
        else:
            self.unborn = 0
            self.there.add(worker)

    def lose(self, worker: WorkerId) -> None:
        """Its other tasks come to the same end by themselves."""
        if worker in self.there:
            self.there.remove(worker)
            self.staff.dismiss(worker)  # it may only be out of reach

    def again(self, given: _Given) -> None:
        """One by one. What was lost before had its worker for itself."""
        alone = given.alone + given.lost
        self.lost.extend(_Given([item], lost=True, alone=alone) for item in given.part)

    def end(self) -> None:
        """Nobody works on."""
        for worker in chain(self.there, self.opening.values()):
            self.staff.dismiss(worker)

    def _give(self, worker: WorkerId) -> None:
        while given := self._for_one_with([it for to, it in self.running.values() if to == worker]):
            self.running[self.staff.begin(worker, given.part)] = worker, given

    def _for_one_with(self, at: Sequence[_Given]) -> _Given | None:
        """What to give to a worker who is at that: what was lost before has its worker for itself,
        so that it is known whose fault the next loss is."""
        if len(at) == _AHEAD or any(given.lost for given in at):
            return None
        if self.lost:
            return None if at else self.lost.popleft()
        if not self._follows():
            return None
        part, self.following = self.following, None
        return _Given(part) if part is not None else None

    def _follows(self) -> bool:
        """Whether there is a next part, which is taken from the source then."""
        if self.following is None:
            self.following = next(self.parts, None)
        return self.following is not None
