"""What indexes take of the memory, or are expected to."""

from __future__ import annotations

import math
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from perse.search.live_index import LiveIndex

# What a template is expected to take: its values in a byte each, and whose it is.
BYTES_PER_TEMPLATE: Final = 200
# So long after something stored could not be read, it is tried again.
_TRIED_AGAIN_S: Final = 30.0


@dataclass(slots=True)
class HeldIndex:
    """An index that is in memory, or has room there. Its owner's lock is held where it is changed.

    ``samples``: how many there were when it was planned, and ``planned_bytes``: what it is expected
    to take. ``used_s``: when it was last searched.
    ``begun_s``: when it was last begun to be filled in the background.
    """

    index: LiveIndex
    used_s: float
    samples: int = 0
    planned_bytes: int = 0
    used: bool = True  # since the last turn of ``keep_warm``
    begun_s: float = -math.inf
    filling: Future[None] | None = None

    @property
    def bytes_held(self) -> int:
        """What it takes, or will when it has been filled, as far as is known."""
        held = self.index.bytes_held
        return held if self.index.filled else max(held, self.planned_bytes)

    @property
    def being_filled(self) -> bool:
        """In the background."""
        return self.filling is not None and not self.filling.done()

    @property
    def problem(self) -> BaseException | None:
        """Of the last time that it was filled in the background."""
        done = self.filling is not None and self.filling.done() and not self.filling.cancelled()
        return self.filling.exception() if self.filling and done else None

    def is_up_to(self, revision: int) -> bool:
        """Or not there to be searched."""
        reached = self.index.revision
        return reached is None or reached >= revision

    def due(self, now_s: float) -> bool:
        """Whether it is to be filled now."""
        again = self.problem is None or now_s - self.begun_s >= _TRIED_AGAIN_S
        return again and not (self.index.filled or self.being_filled)


@dataclass(frozen=True, slots=True)
class DroppedIndex:
    """What an index took when it was dropped, with so many templates."""

    bytes_held: int
    templates: int
    at_s: float

    def bytes_of(self, total: int) -> int:
        """What it may take with so many: collections and long templates are in it, which the plan
        does not know of."""
        more = max(0, total - self.templates) * BYTES_PER_TEMPLATE
        return int(self.bytes_held * min(1.0, total / max(1, self.templates))) + more
