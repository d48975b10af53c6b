"""Bytes of requests: whose, how many, and that all of them are given back."""

from __future__ import annotations

import pytest

from perse.api.admission.budget import ByteBudget, Holding
from perse.errors import Overloaded


def test_a_tenant_alone_may_hold_half() -> None:
    budget = ByteBudget(100)
    with budget.holding("acme") as body:
        body.grow_to(50)
        with pytest.raises(Overloaded):
            body.grow_to(51)
        assert budget.held == 50
    assert budget.held == 0


def test_there_is_always_something_left_for_another() -> None:
    budget = ByteBudget(1000)
    with budget.holding("greedy") as first, budget.holding("greedy") as second:
        first.grow_to(300)
        second.grow_to(200)
        with budget.holding("other") as third:
            third.grow_to(250)
            with pytest.raises(Overloaded), budget.holding("greedy") as more:
                more.grow_to(1)
            with budget.holding("third") as fourth:
                fourth.grow_to(125)
    assert budget.held == 0


def test_a_body_holds_what_was_announced_and_more_as_it_grows() -> None:
    budget = ByteBudget(1000)
    with budget.holding("acme") as body:
        body.grow_to(100)
        body.grow_to(40)
        assert budget.held == 100
        body.grow_to(160)
        assert budget.held == 160


def test_what_was_held_is_given_back_however_it_ends() -> None:
    causes = list[str]()
    budget = ByteBudget(100, refused=causes.append)
    for _ in range(10):
        with pytest.raises(Overloaded), budget.holding("acme") as body:
            _grow(body)
    assert (budget.held, causes) == (0, ["bytes"] * 10)
    assert not budget._held_by


def _grow(body: Holding) -> None:
    body.grow_to(40)
    body.grow_to(60)
