"""Compare every file with every other one: block after block of one matrix product."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.evaluation.comparisons import Comparisons, Numbers, ScoredPairs
from perse.evaluation.error_rates import Scores

BINS = 4096
_BLOCK = 1024
# So many non-mated pairs are kept by file, 12 bytes each; of the others only the histogram is.
_LISTED = 4_000_000

Matrix = NDArray[np.float32]
Correct = Callable[[Matrix, slice, slice], Matrix]


def as_it_is(cosines: Matrix, _rows: slice, _columns: slice) -> Matrix:
    """No correction."""
    return cosines


def compare_all(
    vectors: Matrix, person: Numbers, *, correct: Correct = as_it_is, listed: int = _LISTED
) -> Comparisons:
    """Cosines of all pairs of the unit vectors (float32, files x values).

    ``correct`` turns a block of cosines into scores, given the slices of rows and columns that it
    stands for. About ``listed`` of the highest non-mated scores are kept, at least one in a
    hundred; memory does not grow with the number of pairs beyond that.
    """
    product = _Product(vectors, person, correct)
    histogram = np.zeros(BINS, np.int64)
    for block in product.blocks():
        histogram += _counts(block.non_mated.scores)
    floor = _floor(histogram, max(listed, int(histogram.sum()) // 100))
    mated, highest = [], []
    for block in product.blocks():
        mated.append(block.mated)
        highest.append(block.non_mated.chosen(_bins(block.non_mated.scores) >= floor))
    kept = ScoredPairs.joined(highest)
    return Comparisons(
        ScoredPairs.joined(mated), kept, person, histogram, int(histogram.sum()) - len(kept)
    )


def histogram_of(scores: Scores) -> NDArray[np.int64]:
    """Counts in the bins that ``Comparisons.histogram`` has."""
    return _counts(scores)


@dataclass(frozen=True, slots=True)
class _Block:
    mated: ScoredPairs
    non_mated: ScoredPairs


@dataclass(frozen=True, slots=True)
class _Product:
    vectors: Matrix
    person: Numbers
    correct: Correct

    def blocks(self) -> Iterator[_Block]:
        """Each pair of files once, no file with itself."""
        starts = range(0, len(self.vectors), _BLOCK)
        for top in starts:
            for left in starts:
                if left >= top:
                    yield self._block(slice(top, top + _BLOCK), slice(left, left + _BLOCK))

    def _block(self, rows: slice, columns: slice) -> _Block:
        cosines = np.clip(self.vectors[rows] @ self.vectors[columns].T, -1, 1)
        scores = self.correct(cosines, rows, columns)
        first, second = _pairs(scores.shape, above_diagonal=rows == columns)
        flat = scores[first, second]
        first, second = first + np.int32(rows.start), second + np.int32(columns.start)
        same = self.person[first] == self.person[second]
        pairs = ScoredPairs(flat, first, second)
        return _Block(pairs.chosen(same), pairs.chosen(~same))


def _pairs(shape: tuple[int, ...], *, above_diagonal: bool) -> tuple[Numbers, Numbers]:
    if above_diagonal:
        first, second = np.triu_indices(shape[0], k=1)
    else:
        first, second = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    return first.astype(np.int32), second.astype(np.int32)


def _bins(scores: Scores) -> NDArray[np.int64]:
    positions = (scores.astype(np.float64) + 1) * (BINS / 2)
    return np.clip(positions, 0, BINS - 1).astype(np.int64)


def _counts(scores: Scores) -> NDArray[np.int64]:
    return np.bincount(_bins(scores), minlength=BINS)


def _floor(histogram: NDArray[np.int64], listed: int) -> int:
    """The lowest bin such that at most ``listed`` scores lie in it and above, or the top one."""
    from_the_top = np.cumsum(histogram[::-1])
    fitting = int(np.searchsorted(from_the_top, listed, "right"))
    return max(0, min(BINS - fitting, int(np.max(np.nonzero(histogram), initial=0))))
