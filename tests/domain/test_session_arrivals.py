"""How long a client was silent, and whether it sent what was asked for."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from perse.domain.session_arrivals import Arrivals
from tests.domain.session_films import POINTS


def arrived(times_s: Iterable[float], *, asked_per_s: float = 3.0, late_s: float = 0.0) -> Arrivals:
    """Pictures that were taken then, all different, and came ``late_s`` later."""
    arrivals = Arrivals(POINTS)
    for at_s in times_s:
        content = f"{at_s}".encode()
        arrivals.note(content, at_s=at_s + late_s, taken_s=at_s + 1000, asked_per_s=asked_per_s)
    return arrivals


def every(step_s: float, until_s: float = 12.0) -> list[float]:
    return [index * step_s for index in range(int(until_s / step_s) + 1)]


def too_few(arrivals: Arrivals, at_s: float = 12.0, asked_per_s: float = 3.0) -> bool:
    return arrivals.too_few(at_s=at_s, asked_per_s=asked_per_s)


def test_silence_is_the_longest_time_between_two_that_came() -> None:
    assert arrived([0, 0.3, 0.9, 1.2]).silent_s() == pytest.approx(0.6)
    assert arrived([0]).silent_s() == 0


def test_those_that_came_together_count_as_one() -> None:
    assert arrived([0, 0.01, 0.02, 2.2, 2.21, 2.22]).counted == 2


def test_silence_is_told_once() -> None:
    arrivals = arrived([0, 0.9, 1.2])
    arrivals.silent_s()
    assert arrivals.silent_s() == 0
    arrivals.note(b"next", at_s=1.6, taken_s=1001.6, asked_per_s=3)
    assert arrivals.silent_s() == pytest.approx(0.4)


def test_frames_that_were_held_back_on_their_way_are_no_silence() -> None:
    arrivals = Arrivals(POINTS)
    for index, at_s in enumerate([0.0, 0.3, 1.2, 1.2, 1.2, 1.3]):
        arrivals.note(b"%d" % index, at_s=at_s, taken_s=0.3 * index, asked_per_s=3)
    assert arrivals.silent_s() == pytest.approx(0.3)


def test_times_of_its_own_making_fill_no_long_silence() -> None:
    arrivals = arrived([0])
    for index in range(1, 11):
        arrivals.note(b"%d" % index, at_s=3, taken_s=1000 + 0.3 * index, asked_per_s=3)
    assert arrivals.silent_s() == pytest.approx(2)


def test_the_same_picture_again_breaks_no_silence_and_is_none_that_was_asked_for() -> None:
    arrivals = Arrivals(POINTS)
    for at_s in every(0.3):
        arrivals.note(b"still", at_s=at_s, taken_s=at_s, asked_per_s=3)
    arrivals.note(b"other", at_s=12.3, taken_s=12.3, asked_per_s=3)
    assert arrivals.silent_s() == pytest.approx(12.3)
    assert too_few(arrivals)


@pytest.mark.parametrize(
    ("asked_per_s", "sent_per_s", "few"),
    [
        (3, 3, False),
        (3, 2.1, False),
        (3, 1.8, True),
        (10, 10, False),
        (10, 3.1, False),
        (10, 2.5, True),
    ],
)
def test_who_sends_two_of_three_or_three_a_second_sends_enough(
    asked_per_s: float, sent_per_s: float, *, few: bool
) -> None:
    arrivals = arrived(every(1 / sent_per_s), asked_per_s=asked_per_s)
    assert too_few(arrivals, asked_per_s=asked_per_s) is few


def test_many_at_once_and_then_none_are_too_few() -> None:
    bursts = [second + index / 100 for second in range(13) for index in range(10)]
    assert too_few(arrived(bursts))


def test_whoever_falls_silent_at_the_end_sends_too_few() -> None:
    arrivals = arrived(every(1 / 3, 6))
    assert not too_few(arrivals, at_s=6)
    assert too_few(arrivals, at_s=12)


def test_what_is_owed_is_what_was_asked_for_at_the_time() -> None:
    arrivals = arrived(every(1 / 3, 6), asked_per_s=3)
    for at_s in every(1 / 2.2, 6):
        arrivals.note(b"%f" % at_s, at_s=6.2 + at_s, taken_s=at_s, asked_per_s=3)
    assert not too_few(arrivals)


def test_a_network_that_is_always_late_costs_nothing() -> None:
    assert not too_few(arrived(every(1 / 3), late_s=1.5), at_s=13.5)


def test_a_client_that_sent_nothing_is_not_slow() -> None:
    assert not too_few(Arrivals(POINTS))
