"""Whoever is refused again and again is heard more slowly, while others are at work.

A refusal is cheap to cause and not so cheap to give: clients that ask again at once keep the event
loop and the interpreter busy with nothing. ``Retry-After`` asks them to wait; this has them wait.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from perse.api.admission.presence import Presence

REFUSAL_S = 0.02
_FREE_S = 1.0
_LONGEST_S = 2.0
_OTHERS_S = 10.0
_MOST_PARTIES = 10_000


@dataclass(slots=True)
class Restraint:
    """What parties owe for their refusals, in seconds of waiting. Used on one event loop only.

    Time pays. Who owes no more than ``free_s`` is not held back, and nobody is unless another
    tenant has asked for something within ten seconds: one alone is refused as fast as it asks.
    """

    free_s: float = _FREE_S
    longest_s: float = _LONGEST_S
    others_s: float = _OTHERS_S
    _paid_at: dict[str, float] = field(default_factory=dict)
    _seen: Presence = field(init=False)

    def __post_init__(self) -> None:
        self._seen = Presence(self.others_s)

    def see(self, tenant: str) -> None:
        """A request of a known tenant has come."""
        self._seen.note(tenant, at=_now())

    def owe(self, party: str, seconds: float) -> None:
        """Charge a party; negative seconds are forgiven, never saved up."""
        now = _now()
        paid_at = max(now, self._paid_at.pop(party, now)) + seconds
        if paid_at > now:
            self._paid_at[party] = paid_at
        if len(self._paid_at) > _MOST_PARTIES:  # the longest silent
            del self._paid_at[next(iter(self._paid_at))]

    def wait_s(self, party: str) -> float:
        """For how long the party is to be held back now; 0 for most."""
        now = _now()
        owed_s = self._paid_at.get(party, 0.0) - now - self.free_s
        if owed_s <= 0 or not self._seen.others_than(party, at=now):
            return 0.0
        return min(owed_s, self.longest_s)

    async def hold_back(self, party: str, charge_s: float) -> bool:
        """Wait if the party is to; whether it was. Who waits is charged before, so that the next
        stands behind it."""
        seconds = self.wait_s(party)
        if not seconds:
            return False
        self.owe(party, charge_s)
        await asyncio.sleep(seconds)
        return True

    async def pay(self, party: str, seconds: float) -> None:
        """Charge a party for something that it is held back from when it owes too much."""
        if not await self.hold_back(party, seconds):
            self.owe(party, seconds)


def _now() -> float:
    return asyncio.get_running_loop().time()
