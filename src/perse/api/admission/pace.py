"""Which parties are known to send quick work."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

_MOST_PARTIES = 10_000


@dataclass(slots=True)
class Pace:
    """A party is quick while its last piece took ``short_s`` at most. One of which nothing is
    known is not: what a piece takes is known when it has ended, and until then it may take both
    hands. Those who were quick longest ago are forgotten when there are too many."""

    short_s: float
    most: int = _MOST_PARTIES
    _quick: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def note(self, party: str, *, took_s: float) -> None:
        """A piece of the party has ended."""
        self._quick.pop(party, None)  # the latest is the last
        if took_s <= self.short_s:
            self._quick[party] = None
            if len(self._quick) > self.most:
                self._quick.popitem(last=False)

    def is_quick(self, party: str) -> bool:
        return party in self._quick
