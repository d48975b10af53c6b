"""The index against a book that somebody keeps by hand."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule

from perse.search.index import TemplateIndex
from perse.search.kernels import Kernel, numkong_kernel, numpy_kernel
from perse.search.quantised import Vectors
from perse.search.row_mask import RowMask
from tests.search.vectors import alike, normalised

VALUES = 16


class IndexAndBook(RuleBasedStateMachine):
    """Whatever was added and removed: nobody who reaches a cosine is left out untold."""

    rows = Bundle("rows")

    @initialize(per_chunk=st.integers(1, 9), kernel=st.sampled_from([numpy_kernel, numkong_kernel]))
    def open(self, per_chunk: int, kernel: Kernel) -> None:
        self.index = TemplateIndex(VALUES, kernel=kernel, rows_per_chunk=per_chunk)
        self.book: dict[int, tuple[int, Vectors]] = {}
        self.collection: set[int] = set()
        self.mask = RowMask(per_chunk)
        self.number = self.most_held = 0

    @rule(target=rows, seed=st.integers(0, 200), heavy=st.booleans(), member=st.booleans())
    def add(self, seed: int, heavy: bool, member: bool) -> int:
        vector = np.random.default_rng(seed).standard_normal((1, VALUES))
        vectors = normalised(vector**5 if heavy else vector)
        row = int(self.index.add([self.number], vectors)[0])
        assert row not in self.book
        self.most_held = max(self.most_held, len(self.book) + 1)
        assert row < self.most_held, "a hole is written again first"
        self.book[row] = self.number, vectors[0]
        if member:
            self.collection.add(row)
            self.mask.add(row)
        self.number += 1
        return row

    @rule(row=consumes(rows))
    def remove(self, row: int) -> None:
        self.index.remove([row])
        del self.book[row]
        self.collection.discard(row)
        self.mask.discard(row)

    @rule(
        seed=st.integers(0, 200),
        floor=st.sampled_from([-2.0, -0.3, 0.0, 0.2, 0.6]),
        most=st.integers(1, 5),
        masked=st.booleans(),
    )
    def search(self, seed: int, floor: float, most: int, masked: bool) -> None:
        probes = np.concatenate([alike(2, VALUES, seed=seed), *self._own()])
        mask = self.mask if masked else None
        found = self.index.search(probes, [floor] * len(probes), most, mask)
        among = self.collection if masked else set(self.book)
        for probe, of_probe in zip(probes, found, strict=True):
            told = of_probe.numbers.tolist()
            assert len(set(told)) == len(told) <= 2 * most
            assert set(told) <= {self.book[row][0] for row in among}
            for number, vector in (self.book[row] for row in among):
                cosine = float(vector @ probe)
                assert number in told or cosine < floor or cosine <= of_probe.rest
        assert len(self.index) == len(self.book)

    def _own(self) -> list[Vectors]:
        return [vector[None] for _, vector in list(self.book.values())[:1]]


TestIndexAndBook = IndexAndBook.TestCase
TestIndexAndBook.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("kernel", [numpy_kernel, numkong_kernel])
def test_many_at_once_are_found_one_by_one(kernel: Kernel) -> None:
    vectors = alike(10_000, VALUES, seed=1)
    index = TemplateIndex(VALUES, kernel=kernel, rows_per_chunk=3000)
    assert index.add(range(10_000), vectors).tolist() == list(range(10_000))
    found = index.search(vectors[::500], [0.999] * 20, 30)
    for number, of_one in zip(range(0, 10_000, 500), found, strict=True):
        assert number in of_one.numbers
        assert of_one.rest == -inf


@pytest.mark.parametrize("values", [16, 192, 512])
def test_long_vectors_are_found_as_short_ones_are(values: int) -> None:
    vectors = alike(2000, values, seed=1)
    near = normalised(vectors[:50] + 0.5 * alike(50, values, seed=2))
    index = TemplateIndex(values, rows_per_chunk=700)
    index.add(range(2000), vectors)
    for number, found in enumerate(index.search(near, [0.6] * 50, 30)):
        reaching = np.flatnonzero(vectors @ near[number] >= 0.6).tolist()
        assert set(reaching) <= set(found.numbers.tolist())
        assert number in reaching or float(vectors[number] @ near[number]) < 0.6


def test_many_removed_at_once_make_room_for_as_many() -> None:
    index = TemplateIndex(VALUES, rows_per_chunk=100)
    rows = index.add(range(1000), alike(1000, VALUES, seed=1)).tolist()
    index.remove(rows[::3])
    again = index.add(range(1000, 1334), alike(334, VALUES, seed=2))
    assert sorted(again) == rows[::3]
    assert len(index) == 1000


def test_an_index_that_is_wiped_is_zero_and_empty() -> None:
    index = TemplateIndex(VALUES)
    index.add([1], alike(1, VALUES, seed=1))
    (chunk,) = index.chunks
    assert chunk.codes.any()
    index.wipe()
    assert not chunk.codes.any()
    assert len(index) == 0
    (found,) = index.search(alike(1, VALUES, seed=1), [-2.0], 1)
    assert found.numbers.tolist() == []


def test_what_is_removed_is_zeroed_at_once() -> None:
    index = TemplateIndex(VALUES)
    (first, _) = index.add([1, 2], alike(2, VALUES, seed=1))
    index.remove([first])
    (chunk,) = index.chunks
    assert not chunk.codes[first].any()


def test_an_index_that_is_dropped_is_zeroed() -> None:
    index = TemplateIndex(VALUES)
    index.add([1], alike(1, VALUES, seed=1))
    codes = index.chunks[0].codes
    del index
    assert not codes.any()
