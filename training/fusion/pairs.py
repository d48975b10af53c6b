"""Pairs of captures with their similarity, and whose captures they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Chosen = NDArray[np.bool_]

BINS = 1000
# The middle of each bin of similarity.
SIMILARITIES: Floats = (np.arange(BINS) + 0.5) / BINS


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """``similarity`` 0..1; ``first`` and ``second`` number the persons."""

    similarity: Floats
    first: Numbers
    second: Numbers

    @property
    def mated(self) -> Chosen:
        return np.asarray(self.first == self.second)

    def only(self, chosen: Chosen) -> Pairs:
        return Pairs(self.similarity[chosen], self.first[chosen], self.second[chosen])

    def among(self, people: Chosen) -> Pairs:
        """Both persons belong to ``people``, a mask."""
        return self.only(people[self.first] & people[self.second])

    def shares(self, drawn: Floats | None = None) -> tuple[Floats, Floats]:
        """By bin of similarity: of the mated pairs and of the others.

        ``drawn``: how often each person counts; everybody once without it.
        """
        mated = self.mated
        weights = np.ones(len(mated))
        if drawn is not None:
            weights = drawn[self.first] * np.where(mated, 1.0, drawn[self.second])
        bins = np.minimum((self.similarity * BINS + 1e-9).astype(np.int64), BINS - 1)
        of_mated, of_others = (
            np.bincount(bins[which], weights[which], minlength=BINS) for which in (mated, ~mated)
        )
        return of_mated / max(of_mated.sum(), 1e-12), of_others / max(of_others.sum(), 1e-12)

    @staticmethod
    def all_of(parts: list[Pairs]) -> Pairs:
        return Pairs(
            np.concatenate([part.similarity for part in parts]),
            np.concatenate([part.first for part in parts]),
            np.concatenate([part.second for part in parts]),
        )


def halves(people: int, seed: int = 5) -> tuple[Chosen, Chosen]:
    """Two halves of so many people, as masks."""
    first = np.random.default_rng(seed).permutation(people) % 2 == 0
    return first, ~first


def resampled(people: int, times: int, seed: int = 9) -> Iterator[Floats]:
    """How often each person is drawn when people are drawn anew, with replacement."""
    chance = np.random.default_rng(seed)
    for _ in range(times):
        yield np.bincount(chance.integers(0, people, people), minlength=people).astype(np.float64)
