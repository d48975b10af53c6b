"""Trying liveness sessions again and again is slowed down: what failures of one name lead to.

A name is a subject, or the backend's own one for a device or a person.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from perse.errors import RateLimited


@dataclass(frozen=True, slots=True)
class LockoutPolicy:
    """``most`` failures ``within`` a time lock a name for ``first_lock``; each further lock is
    twice as long, up to ``longest_lock``, until there was none for ``forgotten_after``."""

    most: int = 5
    within: timedelta = timedelta(minutes=3)
    first_lock: timedelta = timedelta(minutes=5)
    longest_lock: timedelta = timedelta(hours=24)
    forgotten_after: timedelta = timedelta(hours=24)

    def lock_after(self, locks: int) -> timedelta:
        """How long the next lock is after so many."""
        doublings: int = min(locks, 30)
        return min(self.first_lock * (1 << doublings), self.longest_lock)


@dataclass(frozen=True, slots=True)
class SessionFailures:
    """Of one name. ``recent``: when sessions failed since the last lock, the oldest first;
    ``locks``: how often it was locked. A session that passes changes nothing: an attacker's own
    face would wipe out every failure before it."""

    recent: tuple[datetime, ...] = ()
    locks: int = 0
    locked_until: datetime | None = None

    def check(self, policy: LockoutPolicy, now: datetime, *, running: int = 0) -> None:
        """Raises RateLimited while it is locked, and while ``running`` sessions, each of which may
        fail, leave no room for one more."""
        if self.locked_until and now < self.locked_until:
            self._refuse("failed", self.locked_until - now)
        recent = self._within(policy, now)
        if running and len(recent) + running >= policy.most:
            self._refuse("failed or are running", policy.within)

    def _refuse(self, what: str, left: timedelta) -> None:
        left_s = math.ceil(left.total_seconds())
        raise RateLimited(
            f"too many liveness sessions of this subject or correlation_id {what}: "
            f"try again in {left_s} s",
            retry_after_s=left_s,
        )

    def after_failure(self, policy: LockoutPolicy, now: datetime) -> SessionFailures:
        recent = (*self._within(policy, now), now)
        if len(recent) < policy.most:
            return replace(self, recent=recent)
        locks = 0 if self.is_forgotten(policy, now) else self.locks
        return SessionFailures((), locks + 1, now + policy.lock_after(locks))

    def is_forgotten(self, policy: LockoutPolicy, now: datetime) -> bool:
        """Whether there is nothing left to remember of locks."""
        return self.locked_until is None or now >= self.locked_until + policy.forgotten_after

    def _within(self, policy: LockoutPolicy, now: datetime) -> tuple[datetime, ...]:
        return tuple(at for at in self.recent if now - at < policy.within)
