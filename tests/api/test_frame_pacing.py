"""How many frames each liveness session may send, and how many sessions there may be."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from perse.api.admission.frame_pacing import LEAST_PER_S, MOST_PER_S, FramePacing
from perse.errors import Overloaded


def filled(pacing: FramePacing, party: str, stack: ExitStack, most: int = 1000) -> int:
    """As many sessions of the party as are let in, and how many that is."""
    for count in range(most):
        try:
            stack.enter_context(pacing.running(party))
        except Overloaded:
            return count
    return most


def test_one_alone_may_send_as_many_as_are_of_any_use() -> None:
    pacing = FramePacing(workers=2)
    with pacing.running("one"):
        assert pacing.per_s("one") == MOST_PER_S


def test_twenty_of_one_party_share_two_workers() -> None:
    pacing = FramePacing(workers=2, cost_s=0.03)
    with ExitStack() as stack:
        assert filled(pacing, "one", stack, 20) == 20
        assert pacing.per_s("one") == 3.0


def test_no_more_are_let_in_than_get_the_frames_that_they_need() -> None:
    refused = list[str]()
    pacing = FramePacing(workers=2, cost_s=0.03, refused=refused.append)
    with ExitStack() as stack:
        count = filled(pacing, "one", stack)
        assert pacing.per_s("one") >= LEAST_PER_S
        assert count * LEAST_PER_S <= 0.9 * 2 / 0.03 < (count + 1) * LEAST_PER_S
        with pytest.raises(Overloaded) as busy:
            pacing.check("one")
        assert busy.value.retry_after_s > 1
    assert refused == ["full", "full"]
    assert pacing.sessions == 0
    pacing.check("one")


def test_frames_that_take_longer_leave_room_for_fewer() -> None:
    pacing = FramePacing(workers=2, cost_s=0.03)
    with ExitStack() as stack:
        before = filled(pacing, "one", stack)
    for _ in range(500):
        pacing.note(0.12)
    with ExitStack() as stack:
        assert filled(pacing, "one", stack) == before // 4


def test_a_party_that_fills_the_server_shuts_nobody_out() -> None:
    pacing = FramePacing(workers=2, cost_s=0.03)
    with ExitStack() as stack:
        filled(pacing, "greedy", stack)
        few = filled(pacing, "modest", stack, 3)
        assert few == 3
        assert pacing.per_s("modest") > pacing.per_s("greedy")
        with pytest.raises(Overloaded):
            pacing.check("greedy")


def test_each_of_two_parties_may_have_half() -> None:
    pacing = FramePacing(workers=2, cost_s=0.03)
    with ExitStack() as stack:
        greedy = filled(pacing, "greedy", stack)
        assert filled(pacing, "late", stack) == greedy // 2


def test_one_alone_is_let_in_however_busy_the_server_was() -> None:
    pacing = FramePacing(workers=1, cost_s=5.0)
    with pacing.running("one"), pytest.raises(Overloaded):
        pacing.check("one")
    with pacing.running("one"):
        for _ in range(500):
            pacing.note(0.03)
        pacing.check("one")
