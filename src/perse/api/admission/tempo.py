"""How fast somebody is listened to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Tempo:
    """Lets through ``per_s`` things a second, and after a rest as many at once.

    What comes faster waits, and is not read meanwhile: its sender has to wait, too.
    """

    per_s: float
    clock: Callable[[], float] = time.monotonic
    _free_at: float = 0.0

    def wait_s(self) -> float:
        """Take the next place; for how long to wait for it."""
        now = self.clock()
        earliest = max(self._free_at, now - max(1.0, self.per_s) / self.per_s)
        self._free_at = earliest + 1 / self.per_s
        return max(0.0, self._free_at - now)

    async def keep(self) -> None:
        """Return when the next may come."""
        wait_s = self.wait_s()
        if wait_s:
            await asyncio.sleep(wait_s)
