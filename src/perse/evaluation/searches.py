"""Every file searched for among all others: with its person in the gallery, and without.

An open set: the person may not be there. A mated search is that of a file whose person has others;
each of those is in the gallery, and so is everybody else. For the non-mated search of a file all
files of its person are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter
from perse.evaluation.comparisons import Numbers
from perse.evaluation.error_rates import Scores
from perse.evaluation.sample_files import numbers_of
from perse.evaluation.samples import Samples, correction_of, vectors_of

_ROWS = 512
# Below every score.
_NONE = np.float32(-np.inf)

Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """One row for each usable file. ``person`` numbers whose it is.

    ``mated``: the best score with another file of the person, minus infinity where there is none.
    ``rank``: the person's among the people by their best scores, 1 the best; who has as good a
    score stands before. ``non_mated``: the best score with anybody else, ``nearest`` the file that
    has it.
    """

    person: Numbers
    mated: Scores
    rank: Places
    non_mated: Scores
    nearest: Numbers

    @property
    def mated_searches(self) -> NDArray[np.intp]:
        """Rows of those whose person is in the gallery."""
        return np.flatnonzero(self.mated > _NONE)

    def found(self, threshold: float, most: int | None = None) -> NDArray[np.bool_]:
        """Of the mated searches, which find the person among the first ``most``."""
        rows = self.mated_searches
        within: NDArray[np.bool_] = self.mated[rows] >= np.float32(threshold)
        return within if most is None else within & (self.rank[rows] <= most)

    def threshold_for_fpir(self, fpir: float) -> float:
        """The lowest threshold that anybody reaches in at most the share ``fpir`` of the non-mated
        searches."""
        falling = np.sort(self.non_mated)[::-1]
        allowed = int(np.floor(fpir * falling.size + 1e-9))
        if allowed >= falling.size:
            return -1.0
        return float(np.nextafter(falling[allowed], np.float32(np.inf)))


def search_all(samples: Samples) -> Searches:
    """Scores as the server has them. Raises InvalidParameter unless there are two people, and one
    of them with two files."""
    people = numbers_of(samples.files[n].person for n in samples.usable)
    counts = np.bincount(people)
    if counts.size < 2 or counts.max(initial=0) < 2:
        raise InvalidParameter(
            "a search needs usable files of two or more people, and two or more of a person"
        )
    blocks = _Blocks(samples, people)
    parts = [blocks(slice(start, start + _ROWS)) for start in range(0, len(people), _ROWS)]
    return Searches(people, *(np.concatenate(column) for column in zip(*parts, strict=True)))


class _Blocks:
    def __init__(self, samples: Samples, people: Numbers) -> None:
        self._vectors, self._people = vectors_of(samples), people
        self._correct = correction_of(samples)
        self._order = np.argsort(people, kind="stable")
        self._starts = np.searchsorted(people[self._order], np.arange(people.max() + 1))

    def __call__(self, rows: slice) -> tuple[Scores, Places, Scores, Numbers]:
        scores = self._scores(rows)
        best = np.maximum.reduceat(scores[:, self._order], self._starts, axis=1)
        line, own = np.arange(len(scores)), self._people[rows]
        mated = best[line, own]
        rank = (best >= mated[:, None]).sum(axis=1, dtype=np.int32)
        scores[own[:, None] == self._people[None, :]] = _NONE
        nearest = scores.argmax(axis=1).astype(np.int32)
        return mated, rank, scores[line, nearest], nearest

    def _scores(self, rows: slice) -> Scores:
        cosines = np.clip(self._vectors[rows] @ self._vectors.T, -1, 1)
        scores: Scores = self._correct(cosines, rows, slice(0, len(self._people)))
        itself = np.arange(len(scores))
        scores[itself, itself + rows.start] = _NONE
        return scores
