from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from perse.domain.access import KeyId
from perse.domain.throttling import RateLimit
from perse.errors import RateLimited
from perse.storage.rate_limits import SqlRateLimits
from perse.storage.storage import Storage
from tests.storage.conftest import open_at
from tests.storage.samples import NOW

KEY = KeyId("key")


def test_a_burst_and_then_the_rate(storage: Storage) -> None:
    limits = SqlRateLimits(storage.database, RateLimit(per_second=2, burst=3))
    for _ in range(3):
        limits.take(KEY, at=NOW)
    with pytest.raises(RateLimited) as refused:
        limits.take(KEY, at=NOW)
    assert refused.value.retry_after_s == 1
    limits.take(KeyId("another"), at=NOW)
    limits.take(KEY, at=NOW + timedelta(seconds=0.5))
    with pytest.raises(RateLimited):
        limits.take(KEY, at=NOW + timedelta(seconds=0.6))


def test_processes_share_the_bucket(url: str, tmp_path: Path) -> None:
    both = [open_at(url, tmp_path) for _ in range(2)]
    limits = [SqlRateLimits(s.database, RateLimit(per_second=0.001, burst=20)) for s in both]

    def call(n: int) -> bool:
        try:
            limits[n % 2].take(KEY, at=NOW)
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(8) as callers:
        assert sum(callers.map(call, range(60))) == 20
    for storage in both:
        storage.close()
