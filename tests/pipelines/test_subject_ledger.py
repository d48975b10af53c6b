"""What is told of the ledger as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perse.domain.chains import ChainPoint
from perse.pipelines.subject_ledger import recent_check
from tests.fakes.storage import FakeClock


def test_who_waited_for_a_long_check_does_not_check_again() -> None:
    clock, checks = FakeClock(), list[int]()

    def slow(anchors: Iterable[ChainPoint]) -> Iterator[str]:
        checks.append(1)
        clock.pass_time(minutes=3)
        yield from ()

    check = recent_check(slow, clock)
    first = check()
    assert check() is first
    clock.pass_time(minutes=1)
    assert check() is not first
    assert len(checks) == 2
