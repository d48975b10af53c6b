"""Go through a source, leaving out what was done before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from perse.bulk.crews import Crew
from perse.bulk.items import Item, Part
from perse.bulk.sources import Source

Result = TypeVar("Result")

ITEMS_OF_A_PART = 8
_ASKED_AT_ONCE = 400


def go_through(
    source: Source,
    crew: Crew[Result],
    undone: Callable[[Part], Part],
    left_out: Callable[[int], None],
) -> Iterator[tuple[Item, Result]]:
    """Each item that ``undone`` leaves, and what became of it. ``left_out`` hears of how many it
    did not leave, as the source is read, a little ahead of the work."""
    for part, results in crew.work(_parts(source, undone, left_out)):
        yield from zip(part, results, strict=True)


def _parts(
    source: Source, undone: Callable[[Part], Part], left_out: Callable[[int], None]
) -> Iterable[Part]:
    for many in source.parts(_ASKED_AT_ONCE):
        left = undone(many)
        left_out(len(many) - len(left))
        for first in range(0, len(left), ITEMS_OF_A_PART):
            yield left[first : first + ITEMS_OF_A_PART]
