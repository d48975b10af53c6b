"""While the database is away one asks it, and the others are told at once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from perse.errors import StorageUnavailable
from perse.storage.outage import Outage


class Nothing(Exception):
    """Comes back after a second."""


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outage(clock: Clock) -> Outage:
    return Outage(lambda it, _: 1.0 if isinstance(it, Nothing) else None, clock=clock)


def ask(outage: Outage) -> None:
    with outage.asking() as reached:
        reached()


def ask_in_vain(outage: Outage, clock: Clock) -> None:
    with pytest.raises(Nothing), outage.asking():
        wait_in_vain(clock)


def wait_in_vain(clock: Clock) -> None:
    clock.now_s += 1
    raise Nothing


def test_after_one_has_waited_in_vain_nobody_else_does(outage: Outage, clock: Clock) -> None:
    ask_in_vain(outage, clock)
    with pytest.raises(StorageUnavailable, match="does not answer") as refusal:
        ask(outage)
    assert refusal.value.retry_after_s == 2


def test_a_moment_later_one_finds_out_and_the_others_do_not_wait(
    outage: Outage, clock: Clock
) -> None:
    ask_in_vain(outage, clock)
    clock.now_s += 0.6
    with outage.asking() as reached:
        with pytest.raises(StorageUnavailable):
            ask(outage)
        reached()
        ask(outage)
    ask(outage)


def test_who_finds_nobody_leaves_it_to_the_next(outage: Outage, clock: Clock) -> None:
    ask_in_vain(outage, clock)
    clock.now_s += 0.6
    ask_in_vain(outage, clock)
    with pytest.raises(StorageUnavailable):
        ask(outage)
    clock.now_s += 0.6
    ask(outage)


def test_who_gave_up_says_nothing_of_what_has_come_back_since(outage: Outage, clock: Clock) -> None:
    def give_up_behind_another() -> None:
        clock.now_s += 3
        ask(outage)
        raise Nothing

    with pytest.raises(Nothing), outage.asking():
        give_up_behind_another()
    ask(outage)


def test_an_error_of_a_database_that_is_there_is_no_outage(outage: Outage) -> None:
    with pytest.raises(ValueError, match="no"), outage.asking():
        raise ValueError("no")
    ask(outage)
