"""Sets of rows against Python's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.search.row_mask import MOST_ROWS_PER_CHUNK, RowMask


@given(
    per_chunk=st.sampled_from([1, 7, 64, 100]),
    changes=st.lists(st.tuples(st.booleans(), st.integers(0, 299)), max_size=300),
)
def test_a_mask_holds_what_was_added_and_not_what_was_taken_away(
    per_chunk: int, changes: list[tuple[bool, int]]
) -> None:
    mask, book = RowMask(per_chunk), set[int]()
    for is_added, row in changes:
        (mask.add if is_added else mask.discard)(row)
        (book.add if is_added else book.discard)(row)
    assert {row for row in range(300) if row in mask} == book
    for chunk in range(300 // per_chunk + 1):
        start, unpacked = chunk * per_chunk, mask.of_chunk(chunk)
        mine = {row - start for row in book if start <= row < start + per_chunk}
        if mine:
            assert unpacked is not None
            assert len(unpacked) == per_chunk
            assert set(np.flatnonzero(unpacked).tolist()) == mine
        else:
            assert unpacked is None
    for row in book:
        mask.discard(row)
    assert mask.bytes_held == 0


@pytest.mark.parametrize(("members", "most_bytes"), [(1, 400), (1000, 2400), (60_000, 8600)])
def test_a_mask_takes_memory_for_its_members_and_never_more_than_a_bit_a_row(
    members: int, most_bytes: int
) -> None:
    mask = RowMask(MOST_ROWS_PER_CHUNK)
    for row in range(MOST_ROWS_PER_CHUNK - members, MOST_ROWS_PER_CHUNK):
        mask.add(row)
    assert mask.bytes_held <= most_bytes
