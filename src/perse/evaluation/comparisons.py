"""Scores of pairs of files, with whose files they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter
from perse.evaluation.error_rates import PairScores, Scores

Numbers = NDArray[np.int32]
Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """``scores[k]`` is that of the files numbered ``first[k]`` and ``second[k]``."""

    scores: Scores
    first: Numbers
    second: Numbers

    def __post_init__(self) -> None:
        if not self.scores.shape == self.first.shape == self.second.shape:
            raise InvalidParameter("each pair has one score and two files")

    @classmethod
    def joined(cls, parts: list[ScoredPairs]) -> Self:
        """All pairs of ``parts``, in their order."""
        return cls(
            np.concatenate([np.empty(0, np.float32), *(part.scores for part in parts)]),
            np.concatenate([np.empty(0, np.int32), *(part.first for part in parts)]),
            np.concatenate([np.empty(0, np.int32), *(part.second for part in parts)]),
        )

    def chosen(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> ScoredPairs:
        return ScoredPairs(self.scores[which], self.first[which], self.second[which])

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        return f"ScoredPairs({len(self)})"


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Every mated pair, and the highest-scoring non-mated ones.

    ``person[f]`` numbers the person on file ``f``. ``unlisted``: non-mated pairs that score below
    every listed one; they exist only where all files were compared with all, and then every pair
    of files of two people is a non-mated pair. ``histogram`` counts all non-mated scores in equal
    bins over -1..1.
    """

    mated: ScoredPairs
    non_mated: ScoredPairs
    person: Numbers
    histogram: NDArray[np.int64]
    unlisted: int = 0

    def rates(self) -> PairScores:
        """Raises InvalidParameter when pairs of one kind are missing."""
        if not len(self.mated):
            raise InvalidParameter(
                "no two usable files are of one person, so FNMR cannot be told: two or more files "
                "of a person are needed"
            )
        if not len(self.non_mated):
            raise InvalidParameter(
                "no two usable files are of different people, so FMR cannot be told: files of two "
                "or more people are needed"
            )
        return PairScores.of(self.mated.scores, self.non_mated.scores, unlisted=self.unlisted)

    @property
    def people(self) -> int:
        return int(self.person.max()) + 1 if self.person.size else 0

    def files_per_person(self) -> NDArray[np.int64]:
        return np.bincount(self.person, minlength=self.people)
