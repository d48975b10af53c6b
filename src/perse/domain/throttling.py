"""Guessing is limited: what failed comparisons against one user lead to (NIST SP 800-63B 5.2.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from perse.domain.references import Modality
from perse.errors import InvalidParameter, RateLimited, ReferenceLocked


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
class Guess:
    """What one comparison with a user told: which modalities do not match, and which do. A face and
    a voice that both do not are two wrong guesses."""

    failed: frozenset[Modality]
    matched: frozenset[Modality] = frozenset()

    @classmethod
    def of(cls, modality: Modality, *, matched: bool) -> Self:
        """Of a comparison of one modality alone."""
        mine: frozenset[Modality] = frozenset({modality})
        return cls(frozenset(), mine) if matched else cls(mine)


@dataclass(frozen=True, slots=True)
class Guesses:
    """Failed comparisons against one user: ``faces`` and ``voices`` since that modality matched
    last, ``total`` since the reference was made, updated or unlocked.

    All of them count together. But a match ends the row of what matched alone: whoever has a
    recording of the user's voice could else let faces be tried without a wait, and the other way
    round.
    """

    faces: int = 0
    voices: int = 0
    total: int = 0
    blocked_until: datetime | None = None

    @property
    def in_row(self) -> int:
        return self.faces + self.voices

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

    def after(self, guess: Guess, *, policy: GuessPolicy, now: datetime) -> Guesses:
        """The total never falls."""
        faces = _in_row(self.faces, Modality.FACE, guess)
        voices = _in_row(self.voices, Modality.VOICE, guess)
        wait = policy.wait_after(faces + voices) if guess.failed else None
        blocked_until = now + wait if wait else None
        return Guesses(faces, voices, self.total + len(guess.failed), blocked_until)


def _in_row(before: int, modality: Modality, guess: Guess) -> int:
    if modality in guess.failed:
        return before + 1
    return 0 if modality in guess.matched else before


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket: ``burst`` calls at once, then ``per_second`` of them."""

    per_second: float
    burst: int

    def __post_init__(self) -> None:
        if not (self.per_second > 0 and self.burst >= 1):
            raise InvalidParameter("a rate limit needs a positive rate and a burst of 1 or more")

    def full(self, now: datetime) -> Bucket:
        """The bucket of a key that has not called before."""
        return Bucket(float(self.burst), now)

    def take(self, bucket: Bucket, now: datetime) -> Bucket:
        """The bucket after one more call. Raises RateLimited with the seconds until the next."""
        elapsed_s = max(0.0, (now - bucket.at).total_seconds())
        tokens = min(float(self.burst), bucket.tokens + elapsed_s * self.per_second)
        if tokens < 1:
            wait_s = math.ceil((1 - tokens) / self.per_second)
            raise RateLimited(
                f"this API key may make {self.per_second:g} calls a second: "
                f"try again in {wait_s} s",
                retry_after_s=wait_s,
            )
        return Bucket(tokens - 1, max(now, bucket.at))


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many calls a key had left at ``at``."""

    tokens: float
    at: datetime
