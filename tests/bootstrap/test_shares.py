"""What one process of several gets of what is set for the whole server."""

from __future__ import annotations

from math import inf

import pytest

from perse.bootstrap.shares import cores_worth, processes_of, share_of, usable_cores
from perse.settings import Settings, load_settings

DIVIDED = (
    "workers",
    "queue_size",
    "body_memory_bytes",
    "max_connections",
    "max_connections_per_peer",
)


def test_one_process_for_every_four_cores_and_at_least_one() -> None:
    assert processes_of(Settings()) == max(1, usable_cores() // 4)
    assert processes_of(load_settings(processes="3")) == 3


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("5000 100000\n", 1),
        ("max 100000\n", inf),
        ("", inf),
        ("7 0", inf),
    ],
)
def test_a_quota_is_worth_whole_cores(quota: str, cores: float) -> None:
    assert cores_worth(quota) == cores


def test_one_process_has_all() -> None:
    settings = Settings()
    assert share_of(settings, 1) is settings


@pytest.mark.parametrize("processes", [2, 3, 64])
def test_together_they_have_no_more_than_was_set(processes: int) -> None:
    settings = Settings(workers=100)
    share = share_of(settings, processes)
    for name in DIVIDED:
        whole, part = getattr(settings, name), getattr(share, name)
        assert part in {whole // processes, 1, 1_000_000}


def test_nothing_falls_to_zero_that_was_more() -> None:
    settings = Settings(workers=1, queue_size=1, max_connections=2, max_connections_per_peer=1)
    share = share_of(settings, 8)
    assert (share.workers, share.queue_size) == (1, 1)
    assert (share.max_connections, share.max_connections_per_peer) == (2, 1)
    assert share_of(Settings(queue_size=0), 2).queue_size == 0


def test_cores_that_nobody_divided_are_shared() -> None:
    workers = share_of(Settings(), 2).workers
    assert workers is not None
    assert 2 * workers >= usable_cores() > 2 * (workers - 1)


def test_what_the_database_keeps_is_not_divided() -> None:
    settings = Settings(rate_limit=10.0, rate_burst=7)
    share = share_of(settings, 4)
    assert (share.rate_limit, share.rate_burst) == (10.0, 7)
