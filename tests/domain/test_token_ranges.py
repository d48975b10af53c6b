"""Every token is in one part, and the parts are about as large."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.references import UserToken, new_user_token
from perse.domain.token_ranges import TokenRange


@given(st.uuids(), st.integers(1, 1000))
def test_every_token_is_in_exactly_one_part_also_as_a_database_compares(
    uuid: UUID, parts: int
) -> None:
    token = UserToken(str(uuid))
    ranges = [TokenRange(it, parts) for it in range(parts)]
    assert sum(token in it for it in ranges) == 1
    for it in ranges:
        within = it.first <= token and (it.end is None or token < it.end)
        assert within == (token in it)


def test_parts_hold_about_as_many() -> None:
    tokens = [new_user_token() for _ in range(3000)]
    counts = Counter(part for it in tokens for part in range(3) if it in TokenRange(part, 3))
    assert all(800 < counts[part] < 1200 for part in range(3))


@pytest.mark.parametrize(("position", "parts"), [(3, 3), (-1, 3), (0, 0)])
def test_a_part_that_there_is_not_cannot_be_named(position: int, parts: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        TokenRange(position, parts)
