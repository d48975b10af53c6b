"""Tokens and their numbers."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from perse.domain.references import UserToken, new_user_token
from perse.search.roll import Roll

# Many begin alike, so that they want the same places.
TOKENS = st.builds(
    lambda start, rest: UserToken(str(uuid.UUID(int=(start << 64) | rest))),
    st.integers(0, 3),
    st.integers(0, 40),
)


class AsADictionary(RuleBasedStateMachine):
    """Whatever is added and removed, it answers as a dictionary would."""

    def __init__(self) -> None:
        super().__init__()
        self.roll, self.known = Roll(), dict[UserToken, int]()

    @rule(token=TOKENS)
    def add_or_remove(self, token: UserToken) -> None:
        if token in self.known:
            self.roll.remove(token)
            del self.known[token]
        else:
            self.known[token] = self.roll.add(token)

    @invariant()
    def agrees(self) -> None:
        assert len(self.roll) == len(self.known)
        assert all(self.roll.find(token) == number for token, number in self.known.items())
        assert all(self.roll.token(number) == token for token, number in self.known.items())
        assert len(set(self.known.values())) == len(self.known)


TestAsADictionary = AsADictionary.TestCase
TestAsADictionary.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)


def test_many_who_want_the_same_places_are_told_apart() -> None:
    tokens = [UserToken(str(uuid.UUID(int=((n % 7) << 64) | n))) for n in range(500)]
    roll = Roll()
    numbers = [roll.add(token) for token in tokens]
    for token in tokens[::3]:
        roll.remove(token)
    found = [roll.find(token) for token in tokens]
    assert found == [None if n % 3 == 0 else number for n, number in enumerate(numbers)]


@given(tokens=st.sets(TOKENS))
def test_nobody_else_is_found(tokens: set[UserToken]) -> None:
    roll = Roll()
    for token in tokens:
        roll.add(token)
    stranger = new_user_token()
    assert roll.find(stranger) is None
    with pytest.raises(KeyError):
        roll.remove(stranger)


def test_numbers_of_who_is_gone_are_given_again() -> None:
    roll, tokens = Roll(), [new_user_token() for _ in range(1000)]
    for token in tokens:
        roll.add(token)
    before = roll.bytes_held
    for _ in range(3):
        for token in tokens:
            roll.remove(token)
        for token in tokens:
            roll.add(token)
    assert roll.numbers == 1000
    assert roll.bytes_held == before


def test_a_token_takes_little_memory() -> None:
    roll = Roll()
    for _ in range(20_000):
        roll.add(new_user_token())
    assert roll.bytes_held / 20_000 < 26
