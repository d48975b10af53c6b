"""Workers in a script: they die when it says so, before, within or after what they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from perse.bulk.crews import Task, WorkerId, WorkerLost
from perse.bulk.items import Item, Part


@dataclass
class Kept:
    """What the database keeps: an item once, however often it is done."""

    samples: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)

    def do(self, item: Item) -> str:
        self.done[item.address] += 1
        self.samples.add(item.address)
        return "kept"

    def undone(self, part: Part) -> Part:
        return [item for item in part if item.address not in self.samples]


@dataclass
class ScriptedStaff:
    """``dies``: asked before each item and behind it. ``chooses``: which of the tasks is done
    next. ``born``: whether a worker comes to begin."""

    do: Callable[[Item], str]
    dies: Callable[[Item], bool] = lambda _: False
    chooses: Callable[[Sequence[Task]], Task] = lambda tasks: tasks[0]
    born: Callable[[], bool] = lambda: True
    alive: set[WorkerId] = field(default_factory=set)
    tasks: dict[Task, tuple[WorkerId, Part]] = field(default_factory=dict)
    count: int = 0
    most_at_once: int = 0

    def hire(self) -> tuple[WorkerId, Task]:
        worker = self._next()
        self.alive.add(worker)
        return worker, self.begin(worker, [])

    def begin(self, worker: WorkerId, part: Part) -> Task:
        task = self._next()
        self.tasks[task] = worker, part
        self.most_at_once = max(self.most_at_once, sum(bool(it) for _, it in self.tasks.values()))
        return task

    def first_done(self, tasks: Collection[Task]) -> Task:
        return self.chooses(sorted(tasks))  # type: ignore[type-var]

    def result(self, task: Task) -> Sequence[str]:
        worker, part = self.tasks.pop(task)
        if not part and not self.born():
            self.alive.discard(worker)
        results = []
        for item in part:
            self._live_or_die(worker, item)
            results.append(self.do(item))
            self._live_or_die(worker, item)
        self._check(worker)
        return results

    def dismiss(self, worker: WorkerId) -> None:
        self.alive.discard(worker)

    def _live_or_die(self, worker: WorkerId, item: Item) -> None:
        self._check(worker)
        if self.dies(item):
            self.alive.discard(worker)
            self._check(worker)

    def _check(self, worker: WorkerId) -> None:
        if worker not in self.alive:
            raise WorkerLost

    def _next(self) -> int:
        self.count += 1
        return self.count
