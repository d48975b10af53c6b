"""Who is next, without threads or clocks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.api.admission.pace import Pace
from perse.api.admission.turns import Piece, Room, Turns

LONG_S, SHORT_S = 0.5, 0.02


def turns(places: int = 1, waiting: int = 1000, *, spare: int = 0, bulk: int = 0) -> Turns[Piece]:
    return Turns(Room(places, waiting, spare=spare, bulk=bulk))


def entered(queue: Turns[Piece], names: Iterable[str], cost_s: float = SHORT_S) -> list[Piece]:
    pieces = [Piece(name, cost_s) for name in names]
    for piece in pieces:
        queue.enter(piece)
    return pieces


def served(queue: Turns[Piece], pieces: int) -> str:
    """The parties of the next pieces, done one after the other."""
    order = []
    for _ in range(pieces):
        piece = queue.next()
        assert piece is not None
        order.append(piece.party)
        queue.finish(piece, piece.cost_s)
    return "".join(order)


def test_pieces_of_one_party_are_started_in_the_order_of_their_arrival() -> None:
    queue = turns(places=5)
    pieces = entered(queue, "aaaaa")
    assert [queue.next() for _ in range(5)] == pieces
    assert queue.next() is None


def test_parties_are_served_in_turn_however_many_pieces_one_has_waiting() -> None:
    queue = turns()
    entered(queue, "aaaaaaaaabbcc")
    assert served(queue, 13) == "abcabcaaaaaaa"


def test_a_newcomer_stands_behind_nobodys_queue() -> None:
    queue = turns()
    entered(queue, "a" * 50)
    served(queue, 20)
    entered(queue, "b")
    assert "b" in served(queue, 2)


def test_a_party_of_long_pieces_has_its_turn_as_much_more_rarely() -> None:
    queue = turns()
    entered(queue, "a" * 10, LONG_S)
    entered(queue, "b" * 100, SHORT_S)
    assert Counter(served(queue, 52)) == {"a": 2, "b": 50}


def test_what_a_piece_really_took_is_charged() -> None:
    """A hundred faces are known only when they have been looked for."""
    queue = turns()
    entered(queue, "aab" + "b" * 60)
    first = queue.next()
    assert first is not None
    assert first.party == "a"
    queue.finish(first, LONG_S)
    assert served(queue, 26).count("b") >= 24


def test_rest_earns_nothing() -> None:
    queue = turns()
    entered(queue, "b")
    served(queue, 1)
    entered(queue, "a" * 100)
    served(queue, 60)
    entered(queue, "b" * 100)
    assert served(queue, 20).count("a") >= 9


def test_a_debt_is_kept_while_others_work_and_forgotten_when_nobody_does() -> None:
    queue = turns()
    entered(queue, "a", LONG_S)
    entered(queue, "b" * 10)
    served(queue, 2)
    entered(queue, "a")
    assert served(queue, 9) == "b" * 9
    assert served(queue, 1) == "a"
    entered(queue, "ab")
    assert served(queue, 2) == "ab"


def test_one_party_alone_gets_every_place() -> None:
    queue = turns(places=4, spare=1)
    entered(queue, "aaaaaa", LONG_S)
    assert [queue.next() is not None for _ in range(5)] == [True] * 4 + [False]


def test_a_spare_place_is_for_a_short_piece_of_a_party_that_has_none_running() -> None:
    queue = turns(places=2, spare=1)
    entered(queue, "aaa", LONG_S)
    queue.next(), queue.next()
    entered(queue, "b", LONG_S)
    assert queue.next() is None
    (short,) = entered(queue, "c", SHORT_S)
    assert queue.next() is short
    entered(queue, "d", SHORT_S)
    assert queue.next() is None


def test_bulky_pieces_run_together_as_far_as_they_fit() -> None:
    queue = turns(places=4, bulk=100)
    bulky = [Piece("a", SHORT_S, bulk) for bulk in (60, 40, 10)]
    for piece in bulky:
        queue.enter(piece)
    assert [queue.next(), queue.next(), queue.next()] == [*bulky[:2], None]
    queue.finish(bulky[0], SHORT_S)
    assert queue.next() is bulky[2]


def test_a_piece_bulkier_than_all_the_room_runs_without_another_bulky_one() -> None:
    queue = turns(places=4, bulk=100)
    small, giant = Piece("a", SHORT_S, 1), Piece("b", SHORT_S, 500)
    queue.enter(small)
    queue.enter(giant)
    assert queue.next() is small
    assert queue.next() is None
    queue.finish(small, SHORT_S)
    assert queue.next() is giant


def test_bulky_pieces_that_came_later_may_not_pass_one_that_waits_but_slim_ones_may() -> None:
    queue = turns(places=4, bulk=100)
    running, waiting, later = (
        Piece(name, SHORT_S, bulk) for name, bulk in zip("abc", (60, 60, 1), strict=True)
    )
    slim = Piece("d", SHORT_S)
    queue.enter(running)
    assert queue.next() is running
    for piece in (waiting, later, slim):
        queue.enter(piece)
    assert queue.next() is slim
    assert queue.next() is None


def test_when_the_room_is_full_the_newest_of_the_longest_queue_gives_way() -> None:
    queue = turns(waiting=3)
    entered(queue, "a")
    queue.next()
    pieces = entered(queue, "aaa")
    (newcomer,) = entered(queue, "b")
    assert queue.overflow(newcomer) is pieces[-1]
    assert (queue.waiting, queue.overflow(newcomer)) == (3, None)


def test_a_party_whose_queue_is_one_of_the_longest_is_refused_itself() -> None:
    queue = turns(waiting=2)
    entered(queue, "a")
    queue.next()
    entered(queue, "ab")
    assert queue.is_full_for("a")
    (latest,) = entered(queue, "b")
    assert queue.overflow(latest) is latest


def test_whether_it_is_full_is_what_entering_would_show() -> None:
    chance = random.Random(3)
    for _ in range(300):
        queue = turns(places=2, waiting=chance.randrange(4), spare=chance.randrange(2))
        for name in chance.choices("abc", k=chance.randrange(9)):
            (piece,) = entered(queue, name)
            while queue.next():
                pass
            queue.overflow(piece)
        foretold = queue.is_full_for("b")
        (piece,) = entered(queue, "b", 0.0)
        while queue.next():
            pass
        assert (queue.overflow(piece) is piece) == foretold


def test_what_was_withdrawn_is_never_started() -> None:
    queue = turns()
    first, second = entered(queue, "aa")
    queue.withdraw(first)
    queue.withdraw(first)
    assert (queue.next(), queue.waiting) == (second, 0)
    queue.withdraw(second)
    queue.finish(second, SHORT_S)
    assert (queue.running, queue.next()) == (0, None)


def test_a_borrowed_place_is_taken_until_it_is_given_back() -> None:
    queue = turns(places=2)
    piece, _ = entered(queue, "aa")
    queue.next()
    assert queue.borrow(piece)
    assert not queue.borrow(piece)
    assert queue.next() is None
    queue.give_back()
    assert queue.next() is not None


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0.001, 1.0)), min_size=1, max_size=80),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_everything_is_started_once_and_no_backlogged_party_falls_behind(
    asked: list[tuple[str, float]], places: int, chance: random.Random
) -> None:
    """Between two parties that both wait all the time, what they were given differs by no more
    than a piece of each and what runs."""
    queue = turns(places=places)
    waiting: Counter[str] = Counter(name for name, _ in asked)
    for name, cost_s in asked:
        queue.enter(Piece(name, cost_s))
    given: Counter[str] = Counter()
    running: list[Piece] = []
    started = 0
    while started < len(asked):
        if (piece := queue.next()) is not None:
            running.append(piece)
            started += 1
            waiting[piece.party] -= 1
            given[piece.party] += piece.cost_s  # type: ignore[assignment]
            busy = [name for name, left in waiting.items() if left > 0]
            shares = [given[name] for name in busy]
            assert not shares or max(shares) - min(shares) <= 2.0
        else:
            done = running.pop(chance.randrange(len(running)))
            queue.finish(done, done.cost_s)
    for piece in running:
        queue.finish(piece, piece.cost_s)
    assert (queue.running, queue.waiting, queue.parties_waiting) == (0, 0, 0)


@pytest.mark.parametrize("places", [1, 3])
def test_hundreds_of_parties_leave_nothing_behind(places: int) -> None:
    queue = turns(places=places)
    for n in range(500):
        entered(queue, [f"tenant {n}"])
        piece = queue.next()
        assert piece is not None
        queue.finish(piece, 1.0)
    assert not queue._parties


def test_slow_work_leaves_a_place_free_while_others_are_about() -> None:
    time_s = [0.0]
    room = Room(places=3, waiting=100, spare=0, about_s=1.0)
    queue: Turns[Piece] = Turns(room, clock=lambda: time_s[0])
    entered(queue, "aaaaaaaa", SHORT_S)
    slow = [queue.next() for _ in range(3)]
    assert None not in slow  # nobody knew
    entered(queue, "b", SHORT_S)
    for piece in slow:
        assert piece is not None
        queue.finish(piece, LONG_S)
    assert served_at_once(queue) == "ba"
    time_s[0] = 1.5  # b has not come again
    assert served_at_once(queue) == "aaa"


def test_slow_work_borrows_no_place_that_others_may_need() -> None:
    queue: Turns[Piece] = Turns(Room(places=2, waiting=100, about_s=1.0))
    entered(queue, "aaa", SHORT_S)
    first = queue.next()
    assert first is not None
    assert queue.borrow(first)
    queue.give_back()
    queue.finish(first, LONG_S)
    entered(queue, "b", SHORT_S)
    second, other = queue.next(), queue.next()
    assert second is not None
    assert other is not None
    queue.finish(other if other.party == "b" else second, SHORT_S)
    assert not queue.borrow(second if second.party == "a" else other)


def test_a_part_of_short_work_may_have_a_spare_place_while_long_work_holds_another() -> None:
    queue = turns(places=2, spare=1)
    long, short = entered(queue, "a", LONG_S) + entered(queue, "b", SHORT_S)
    assert [queue.next(), queue.next()] == [long, short]
    assert [queue.borrow(long), queue.borrow(short), queue.borrow(short)] == [False, True, False]
    queue.give_back()
    queue.finish(long, LONG_S)
    entered(queue, "a", SHORT_S)
    assert queue.next() is not None
    assert not queue.borrow(short)


def about(places: int) -> Turns[Piece]:
    """Turns in which everybody who ever came is about."""
    return Turns(Room(places, waiting=100, spare=0, about_s=1.0))


def test_work_of_which_nothing_is_known_leaves_a_place_free_while_others_are_about() -> None:
    queue = about(places=3)
    entered(queue, "b")
    served(queue, 1)
    entered(queue, "aaa", SHORT_S)
    unknown = [queue.next(), queue.next()]
    assert queue.next() is None
    assert unknown[0] is not None
    assert not queue.borrow(unknown[0])
    queue.finish(unknown[0], SHORT_S)
    assert [queue.next() is not None, queue.borrow(unknown[0])] == [True, True]


def test_who_was_quick_has_every_place_after_a_rest_too() -> None:
    queue = about(places=3)
    entered(queue, "ab")
    served(queue, 2)
    assert not queue._parties
    entered(queue, "aaa", SHORT_S)
    assert None not in [queue.next() for _ in range(3)]


def test_what_looks_long_leaves_a_place_free_however_quick_its_party_was() -> None:
    queue = about(places=2)
    entered(queue, "ab")
    served(queue, 2)
    first, _ = entered(queue, "aa", LONG_S)
    assert [queue.next(), queue.next(), queue.borrow(first)] == [first, None, False]


def test_pace_is_known_of_a_bounded_number_of_parties() -> None:
    pace = Pace(short_s=0.2, most=2)
    for party in ("a", "b", "a", "c"):
        pace.note(party, took_s=SHORT_S)
    assert [pace.is_quick(party) for party in "abc"] == [True, False, True]
    pace.note("a", took_s=LONG_S)
    assert not pace.is_quick("a")


def served_at_once(queue: Turns[Piece]) -> str:
    """Who is started now; all of it ends then, slowly."""
    started = list[Piece]()
    while (piece := queue.next()) is not None:
        started.append(piece)
    for piece in started:
        queue.finish(piece, LONG_S if piece.party == "a" else SHORT_S)
    return "".join(piece.party for piece in started)


def test_what_is_first_waits_before_its_partys_others_and_behind_what_was_first_before() -> None:
    queue = turns()
    frame, *ends = (Piece("a", SHORT_S, first=first) for first in (False, True, True))
    for piece in (frame, *ends):
        queue.enter(piece)
    order = []
    while (started := queue.next()) is not None:
        order.append(started)
        queue.finish(started, SHORT_S)
    assert order == [*ends, frame]
