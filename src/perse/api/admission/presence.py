"""Which parties have come lately."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Presence:
    """``lately_s``: for how long a party is about after it came. Knows no clock: seconds are handed
    in, and never go back. 0: nobody is ever about."""

    lately_s: float
    _came_at: dict[str, float] = field(default_factory=dict)

    def note(self, party: str, *, at: float) -> None:
        """The party has come; those who came too long ago are forgotten."""
        self._came_at.pop(party, None)  # the latest is the last
        self._came_at[party] = at
        while self._came_at[first := next(iter(self._came_at))] < at - self.lately_s:
            del self._came_at[first]

    def others_than(self, party: str, *, at: float) -> bool:
        """Whether another one is about."""
        since = at - self.lately_s
        return any(name != party and came > since for name, came in reversed(self._came_at.items()))
