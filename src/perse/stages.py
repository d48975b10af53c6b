"""What a piece of work is busy with, and for how long: told to whoever asked before it began.

Work says ``with during(Stage.EMBED)``, and knows nobody who hears it. A context variable does, so
every request has a hearer of its own, on whatever thread its work is done; where there is none,
a stage costs less than a microsecond.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Stage(StrEnum):
    """A closed set: metrics have a series for each."""

    QUEUE = "queue"
    DECODE = "decode"
    DETECT = "detect"
    QUALITY = "quality"
    LIVENESS = "liveness"
    EMBED = "embed"
    COMPARE = "compare"
    STORE = "store"


@dataclass(slots=True, eq=False)
class Passage:
    """One stage, once, by ``time.perf_counter``. ``within``: the passage that it was a part of;
    ``inner_s``: what its own parts took. ``detail``: of a part that is no stage of its own, such as
    a statement sent to the database; never what somebody sent us."""

    stage: Stage
    began_s: float
    within: Passage | None = None
    ended_s: float = 0.0
    inner_s: float = 0.0
    detail: str | None = None

    @property
    def own_s(self) -> float:
        """What it took without its parts."""
        return max(0.0, self.ended_s - self.began_s - self.inner_s)


class Hearer(Protocol):
    """Who is told of stages, from any thread, as each ends."""

    @property
    def wants_details(self) -> bool: ...

    def passed(self, passage: Passage) -> None: ...


# Who hears what is done here, and of which passage it is a part.
_HERE: ContextVar[tuple[Hearer, Passage | None] | None] = ContextVar("perse_stage", default=None)


class during:  # noqa: N801 - read as a word of the sentence
    """A stage, for the time of a block."""

    __slots__ = ("_outer", "_passage", "_stage")

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __enter__(self) -> None:
        outer = self._outer = _HERE.get()
        if outer is not None:
            hearer, within = outer
            passage = self._passage = Passage(self._stage, time.perf_counter(), within)
            _HERE.set((hearer, passage))

    def __exit__(self, *_: object) -> None:
        outer = self._outer
        if outer is not None:
            # Not by a token: a generator that holds the block may be ended in another context.
            _HERE.set(outer)
            _end(self._passage, outer[0])


def waited_since(began_s: float) -> None:
    """Tell that the work of here has waited for its turn until now."""
    here = _HERE.get()
    if here is not None:
        hearer, within = here
        _end(Passage(Stage.QUEUE, began_s, within), hearer)


def _end(passage: Passage, hearer: Hearer) -> None:
    passage.ended_s = time.perf_counter()
    if passage.within is not None:
        passage.within.inner_s += passage.ended_s - passage.began_s
    hearer.passed(passage)


@contextmanager
def heard_by(hearer: Hearer) -> Iterator[None]:
    """Let ``hearer`` be told of every stage in the block."""
    before = _HERE.get()
    _HERE.set((hearer, None))
    try:
        yield
    finally:
        _HERE.set(before)


def carried(work: Callable[[], Result]) -> Callable[[], Result]:
    """The same work, which is heard on another thread by who hears it here."""
    return partial(copy_context().run, work)


def wants_details() -> bool:
    """Whether it is worth while to say what a stage is about."""
    here = _HERE.get()
    return here is not None and here[0].wants_details


def tell_detail(detail: str, began_s: float) -> None:
    """Of the stage that is on: what was done in it since ``began_s``."""
    hearer, within = _HERE.get() or (None, None)
    if hearer is not None and within is not None:
        now_s = time.perf_counter()
        hearer.passed(Passage(within.stage, began_s, within, now_s, detail=detail))
