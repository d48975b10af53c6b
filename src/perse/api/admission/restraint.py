"""Whoever takes more than its share is heard more slowly, while others are at work.

Every request costs the event loop and the interpreter something, whatever becomes of it: clients
that ask again at once keep both busy, with refusals as with answers. ``Retry-After`` asks those
who are refused to wait; this has everybody wait who asks for too much.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from perse.api.admission.presence import Presence
from perse.stages import waited_since

# What a request costs the event loop, and each byte that comes or goes. The figures are of two
# cores in 2026 and need not be right: they say how much is a lot. Questions to the database are
# measured. A refusal counts for more than it costs: nothing is gained by asking again at once.
REQUEST_S = 0.002
REFUSAL_S = 0.008
BYTE_S = 2e-9
_SHARE = 0.5
_FREE_S = 0.2
_LONGEST_S = 2.0
_OTHERS_S = 10.0
_MOST_PARTIES = 10_000


@dataclass(slots=True)
class Restraint:
    """What parties have taken of the event loop and the interpreter, and not yet paid by time.

    A second pays for ``share`` of a second. Who would be quits within ``free_s`` waits for nothing,
    nobody waits longer than ``longest_s`` or owes more than that, and nothing is owed unless
    another tenant has asked for something within ten seconds: one alone takes what it can get.
    Used on the event loop only.
    """

    share: float = _SHARE
    free_s: float = _FREE_S
    longest_s: float = _LONGEST_S
    others_s: float = _OTHERS_S
    clock: Callable[[], float] = time.monotonic
    _quits_at: dict[str, float] = field(default_factory=dict)
    _seen: Presence = field(init=False)

    def __post_init__(self) -> None:
        self._seen = Presence(self.others_s)

    def see(self, tenant: str) -> None:
        """A request of a known tenant has come."""
        self._seen.note(tenant, at=self.clock())

    def owe(self, party: str, seconds: float) -> None:
        """Charge a party for what it took."""
        now = self.clock()
        quits_at = max(now, self._quits_at.pop(party, now)) + seconds / self.share
        if not self._seen.others_than(party, at=now):
            return
        self._quits_at[party] = min(quits_at, now + self.free_s + self.longest_s)
        if len(self._quits_at) > _MOST_PARTIES:  # the longest silent
            del self._quits_at[next(iter(self._quits_at))]

    def wait_s(self, party: str) -> float:
        """For how long the party is to be held back now; 0 for most."""
        now = self.clock()
        owed_s = self._quits_at.get(party, 0.0) - now - self.free_s
        return owed_s if owed_s > 0 and self._seen.others_than(party, at=now) else 0.0

    async def pay(self, party: str, seconds: float) -> None:
        """Charge a party for what it is about to take, and hold it back while it owes too much.

        Who comes later stands behind it.
        """
        seconds_held = self.wait_s(party)
        self.owe(party, seconds)
        if seconds_held:
            began_s = time.perf_counter()
            await asyncio.sleep(seconds_held)
            waited_since(began_s)
