"""How many frames a second each liveness session may send, so that all that run can be served.

Clients are told, rather than listened to and ignored: what is sent to be dropped costs the network
and the event loop. The figures are of one process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from perse.errors import Overloaded

MOST_PER_S: Final = 10.0
# With fewer, photographs of a person that are shown one after the other pass for a head that turns
# (docs/liveness-sessions-evidence.md).
LEAST_PER_S: Final = 3.0
# Of two cores in 2026, until frames have been looked at here.
_COST_S = 0.04
_KEPT = 15 / 16
# The rest is for what is not a frame, such as the end of a session.
_SHARE = 0.9
# About as long as a session lasts.
_RETRY_AFTER_S = 10


@dataclass(slots=True)
class FramePacing:
    """``workers``: frames that are looked at at the same time. ``refused`` is told the cause of
    each refusal. Used on the event loop only."""

    workers: int
    refused: Callable[[str], None] = lambda _: None
    cost_s: float = _COST_S
    _running: Counter[str] = field(default_factory=Counter)

    @property
    def sessions(self) -> int:
        return self._running.total()

    def check(self, party: str) -> None:
        """Raises Overloaded where one more session of the party would leave too few frames: to all
        of them, or where others run fewer, to its own. One alone is let in always: nothing else
        would tell a server that was busy that it is no more."""
        if self.sessions and self._capacity_per_s < LEAST_PER_S * self._sharers(party, more=1):
            self.refused("full")
            raise Overloaded(
                "as many liveness sessions run as can be served: try again in a moment",
                retry_after_s=_RETRY_AFTER_S,
            )

    @contextmanager
    def running(self, party: str) -> Iterator[None]:
        """One session more, until the block ends. Raises Overloaded as ``check``."""
        self.check(party)
        self._running[party] += 1
        try:
            yield
        finally:
            self._running[party] -= 1
            self._running += Counter()  # forgets those who have none

    def per_s(self, party: str) -> float:
        """What each session of the party may send now, ``LEAST_PER_S``..``MOST_PER_S``."""
        share = self._capacity_per_s / max(1, self._sharers(party))
        return round(min(MOST_PER_S, max(LEAST_PER_S, share)), 1)

    def note(self, took_s: float) -> None:
        """One frame has held a worker for so long."""
        self.cost_s = _KEPT * self.cost_s + (1 - _KEPT) * took_s

    @property
    def _capacity_per_s(self) -> float:
        return _SHARE * self.workers / self.cost_s

    def _sharers(self, party: str, *, more: int = 0) -> int:
        """How many sessions share what there is: all, or where each party gets as much as every
        other, as workers are shared, as many as if all had as many as this one."""
        own = self._running[party] + more
        parties = len(self._running.keys() | {party})
        return min(self.sessions + more, own * parties)
