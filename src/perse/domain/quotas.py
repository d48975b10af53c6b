"""How much a tenant may use: of requests and bytes in a window of time, of people and samples at
once. Nobody has a quota who was not given one.

Each process spends from leases of a shared count, a twentieth of the quota at a time, so that
requests need no look at the database of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from perse.errors import InvalidParameter, QuotaExceeded

_LEASES = 20
_LARGEST = 10**15
# Room for a person comes with a deletion, which nobody can foresee: asking sooner is no use.
_ROOM_S = 3600


class Quota(StrEnum):
    """What is counted."""

    REQUESTS_PER_MINUTE = "requests_per_minute"
    REQUESTS_PER_DAY = "requests_per_day"
    UPLOAD_BYTES_PER_DAY = "upload_bytes_per_day"
    PEOPLE = "people"
    SAMPLES = "samples"

    @property
    def window(self) -> timedelta | None:
        """After which it begins anew; None of what is held at once."""
        return _WINDOWS.get(self)


_WINDOWS: Mapping[Quota, timedelta] = MappingProxyType(
    {
        Quota.REQUESTS_PER_MINUTE: timedelta(minutes=1),
        Quota.REQUESTS_PER_DAY: timedelta(days=1),
        Quota.UPLOAD_BYTES_PER_DAY: timedelta(days=1),
    }
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REQUESTS = frozenset({Quota.REQUESTS_PER_MINUTE, Quota.REQUESTS_PER_DAY})


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a quota is used: ``used`` counts what processes have leased, ``resets_at`` is
    when the window ends, None of what is held at once. ``most`` None: no quota."""

    quota: Quota
    used: int
    most: int | None = None
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """``size`` more may be spent of a quota of ``most`` until ``ends_at``; below 0: so much less,
    because the quota was lowered below what is leased."""

    most: int
    size: int
    ends_at: datetime


def check_most(most: int) -> int:
    """Raises InvalidParameter for what is no quota."""
    if not 0 <= most <= _LARGEST:
        raise InvalidParameter(f"a quota is a whole number from 0 to {_LARGEST}, or none")
    return most


def lease_of(most: int) -> int:
    """How much a process takes at a time."""
    return max(1, most // _LEASES)


def granted(most: int, *, counted: int, held: int) -> int:
    """How much more a process may spend that has ``held`` left, while all have leased ``counted``;
    below 0 where the quota was lowered and what it holds is taken back."""
    least = -min(max(held, 0), counted) if counted > most else 0
    return max(least, min(lease_of(most) - held, most - counted))


def window_at(quota: Quota, at: datetime) -> tuple[datetime, datetime]:
    """The window of a quota that ``at`` is in: windows begin with the minute and the day, UTC."""
    window = quota.window
    if window is None:
        raise InvalidParameter(f"{quota} has no window")
    begins = at - (at - _EPOCH) % window
    return begins, begins + window


def exceeded(quota: Quota, most: int, *, wait_s: float = _ROOM_S) -> QuotaExceeded:
    """What whoever asked is told."""
    advice = "wait" if quota.window else "delete what is not needed any more"
    return QuotaExceeded(
        f"this tenant's quota is {most} {quota.replace('_', ' ')}: {advice}, or ask the operator",
        retry_after_s=max(1, math.ceil(wait_s)),
        quota=quota,
    )
