"""Guessing is limited: what failed comparisons against one user lead to (NIST SP 800-63B 5.2.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from perse.errors import RateLimited, ReferenceLocked


@dataclass(frozen=True, slots=True)
class GuessPolicy:
    """``free`` failures in a row cost nothing; each one from there on doubles the wait, from
    ``first_wait`` up to ``longest_wait``; ``lock_after`` failures in total close the reference."""

    free: int = 10
    lock_after: int = 100
    first_wait: timedelta = timedelta(seconds=30)
    longest_wait: timedelta = timedelta(hours=1)

    def wait_after(self, failures_in_row: int) -> timedelta:
        """How long nobody may compare after that many failures in a row."""
        beyond = failures_in_row - self.free
        if beyond < 0:
            return timedelta(0)
        doublings: int = min(beyond, 30)
        return min(self.first_wait * (1 << doublings), self.longest_wait)


@dataclass(frozen=True, slots=True)
class Guesses:
    """Failed comparisons against one user: ``in_row`` since the last match, ``total`` since the
    reference was made, updated or unlocked."""

    in_row: int = 0
    total: int = 0
    blocked_until: datetime | None = None

    def check(self, policy: GuessPolicy, now: datetime) -> None:
        """Raises ReferenceLocked, or RateLimited with the seconds left to wait."""
        if self.total >= policy.lock_after:
            raise ReferenceLocked(
                f"{self.total} comparisons against this user failed: update the enrolment, or "
                "unlock it with `perse references unlock`"
            )
        if self.blocked_until and now < self.blocked_until:
            left_s = math.ceil((self.blocked_until - now).total_seconds())
            raise RateLimited(
                f"{self.in_row} comparisons against this user failed in a row: "
                f"try again in {left_s} s",
                retry_after_s=left_s,
            )

    def after(self, *, matched: bool, policy: GuessPolicy, now: datetime) -> Guesses:
        """A match ends the row; the total stays."""
        if matched:
            return replace(self, in_row=0, blocked_until=None)
        in_row = self.in_row + 1
        wait = policy.wait_after(in_row)
        return Guesses(in_row, self.total + 1, now + wait if wait else None)
