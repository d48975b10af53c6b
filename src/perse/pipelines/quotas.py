"""What tenants may still use, as one process knows it: requests spend from leases in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from perse.domain.access import TenantId
from perse.domain.quotas import REQUESTS, Grant, Quota, Use, exceeded, lease_of
from perse.pipelines.reference_ports import Now

# A quota that was set, raised or taken away counts from then on at the latest.
KNOWN_S = 10.0
_DUE_S = KNOWN_S / 2
# Whoever has used all is not asked about at each request of a flood.
_NONE_LEFT_S = 1.0
_MOST_TENANTS = 10_000
_BYTES = frozenset({Quota.UPLOAD_BYTES_PER_DAY})


class QuotaCounts(Protocol):
    """Shared by all processes."""

    def lease(
        self, tenant_id: TenantId, held: Mapping[Quota, int], *, at: datetime
    ) -> Mapping[Quota, Grant]:
        """More of every quota with a window that the tenant has; ``held``: what of the window's is
        not spent yet, below 0 where more was spent."""
        ...

    def use(self, tenant_id: TenantId, *, at: datetime) -> Sequence[Use]:
        """Of people and samples, and of every quota that the tenant has."""
        ...


class Leave(Enum):
    """``GIVEN``; ``DUE``: given, and it is time to lease more beside the request; ``UNKNOWN``:
    nobody can tell before more is leased."""

    GIVEN = 0
    DUE = 1
    UNKNOWN = 2


@dataclass(slots=True)
class _Meter:
    """``left`` of a lease; ``dry_s``: when less was left than was to be leased; else None."""

    most: int
    left: int
    ends_at: datetime
    dry_s: float | None = None


@dataclass(slots=True)
class _Book:
    asked_s: float
    meters: dict[Quota, _Meter]


@dataclass(frozen=True, slots=True)
class Allowances:
    """Safe to share between threads. ``spend_request`` and ``spend_bytes`` never block, ``lease``
    and ``use`` do.

    Of requests no more are let in than the quota; a request may be refused while other processes
    have some of their leases left. Of bytes more than the quota come in by the bodies that are
    on their way when it is reached.
    """

    counts: QuotaCounts
    now: Now
    clock_s: Callable[[], float] = time.monotonic
    _books: dict[TenantId, _Book] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend_request(self, tenant_id: TenantId, *, leased: bool = False) -> Leave:
        """Count a request that is let in. ``leased``: it has waited for a lease, which counts
        however long that took. Raises QuotaExceeded."""
        with self._lock:
            book = self._books.get(tenant_id)
            leave = self._leave(book, REQUESTS, leased)
            if book and leave is not Leave.UNKNOWN:
                for quota in REQUESTS & book.meters.keys():
                    book.meters[quota].left -= 1
            return leave

    def room_for_upload(self, tenant_id: TenantId, *, leased: bool = False) -> Leave:
        """Whether a body may come. Raises QuotaExceeded."""
        with self._lock:
            return self._leave(self._books.get(tenant_id), _BYTES, leased)

    def spend_bytes(self, tenant_id: TenantId, size: int) -> None:
        """Count what came."""
        with self._lock:
            book = self._books.get(tenant_id)
            meter = book and book.meters.get(Quota.UPLOAD_BYTES_PER_DAY)
            if meter:
                meter.left -= size

    def lease(self, tenant_id: TenantId) -> None:
        """Ask what the tenant may, and take more of it. Raises StorageUnavailable."""
        at, asked_s = self.now(), self.clock_s()
        with self._lock:
            book = self._books.get(tenant_id)
            meters = book.meters if book else {}
            held = {quota: it.left for quota, it in meters.items() if it.ends_at > at}
        grants = self.counts.lease(tenant_id, held, at=at)
        with self._lock:
            book = self._books.pop(tenant_id, None)
            meters = book.meters if book else {}
            refilled = {
                quota: _refilled(meters.get(quota), grant, at, asked_s)
                for quota, grant in grants.items()
            }
            self._books[tenant_id] = _Book(asked_s, refilled)
            if len(self._books) > _MOST_TENANTS:
                del self._books[next(iter(self._books))]

    def use(self, tenant_id: TenantId) -> Sequence[Use]:
        """How much is used; blocks."""
        return self.counts.use(tenant_id, at=self.now())

    def _leave(self, book: _Book | None, quotas: frozenset[Quota], leased: bool) -> Leave:
        age_s = float("inf") if book is None else self.clock_s() - book.asked_s
        if book is None or (age_s > KNOWN_S and not leased):
            return Leave.UNKNOWN
        mine = [
            self._left(quota, it, leased) for quota, it in book.meters.items() if quota in quotas
        ]
        due = Leave.DUE if age_s > _DUE_S else Leave.GIVEN
        return max([due, *mine], key=lambda it: it.value)

    def _left(self, quota: Quota, meter: _Meter, leased: bool) -> Leave:
        wait_s = (meter.ends_at - self.now()).total_seconds()
        if wait_s <= 0:
            return Leave.UNKNOWN
        dry_s = None if meter.dry_s is None else self.clock_s() - meter.dry_s
        dry = dry_s is not None and (leased or dry_s < _NONE_LEFT_S)
        if meter.left <= 0:
            if dry:
                raise exceeded(quota, meter.most, wait_s=wait_s)
            return Leave.UNKNOWN
        return Leave.DUE if not dry and meter.left <= lease_of(meter.most) // 2 else Leave.GIVEN


def _refilled(before: _Meter | None, grant: Grant, at: datetime, asked_s: float) -> _Meter:
    """What was not spent of this window, and what was granted. Requests went on meanwhile."""
    kept = before.left if before and before.ends_at > at else 0
    left = kept + grant.size
    return _Meter(grant.most, left, grant.ends_at, asked_s if left < lease_of(grant.most) else None)
