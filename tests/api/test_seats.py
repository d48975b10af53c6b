"""How many talk at a time, and how fast they are listened to."""

from __future__ import annotations

import pytest

from perse.api.admission.seats import Seats
from perse.api.admission.tempo import Tempo
from perse.errors import Overloaded, RateLimited


def test_a_party_has_only_its_own_seats_and_all_have_them_all() -> None:
    causes = list[str]()
    seats = Seats(3, 2, refused=causes.append)
    with seats.taken_for("acme"), seats.taken_for("acme"):
        with pytest.raises(RateLimited), seats.taken_for("acme"):
            pass
        with seats.taken_for("other"):
            assert seats.taken == 3
            with pytest.raises(Overloaded), seats.taken_for("third"):
                pass
            with pytest.raises(Overloaded):
                seats.refuse_when_full()
        seats.refuse_when_full()
    assert seats.taken == 0
    assert causes == ["party_full", "full", "full"]


def test_a_seat_is_free_again_however_it_is_left() -> None:
    seats = Seats(1, 1)
    with pytest.raises(KeyError), seats.taken_for("acme"):
        raise KeyError
    with seats.taken_for("acme"):
        assert seats.taken == 1


class Clock:
    """Shows what it was set to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_comes_faster_than_the_tempo_waits() -> None:
    clock = Clock()
    tempo = Tempo(4, clock)
    assert [tempo.wait_s() for _ in range(6)] == [0, 0, 0, 0, 0.25, 0.5]
    clock.now += 0.5
    assert tempo.wait_s() == 0.25


def test_a_rest_earns_a_second_and_no_more() -> None:
    clock = Clock()
    tempo = Tempo(2, clock)
    for _ in range(5):
        tempo.wait_s()
    clock.now += 3600
    assert [tempo.wait_s() for _ in range(3)] == [0, 0, 0.5]


def test_a_tempo_under_one_a_second_lets_one_through_at_once() -> None:
    tempo = Tempo(0.5, Clock())
    assert [tempo.wait_s() for _ in range(2)] == [0, 2]
