"""95 % intervals by bootstrap over people.

Pairs are no independent trials: one unlucky face is in thousands of them. So people are drawn
with replacement, not pairs. A person drawn w times brings w-fold mated pairs, and a non-mated pair
of people drawn v and w times counts v * w times; pairs of a person with a copy of the same person
are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.evaluation.comparisons import Comparisons, ScoredPairs, Weights
from perse.evaluation.error_rates import Scores

REPLICATES = 400
_SEED = 20261123
_LEVELS = (2.5, 97.5)
_RULE_OF_THREE = 3.0
_GRID_QUANTILES = 200
_KEPT = 0.95

Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """95 %: low and high, 0..1."""

    low: float
    high: float


def interval_of(replicated: Shares, *, observed: float, trials: int) -> Interval:
    """Percentiles of the replicates. Where no error was observed in ``trials`` independent trials
    they would all be 0: then the upper end is the rule of three's. Rates of 1 likewise."""
    told = replicated[np.isfinite(replicated)]
    bound = min(1.0, _RULE_OF_THREE / trials)
    if observed == 0:
        return Interval(0.0, bound)
    if observed == 1:
        return Interval(1.0 - bound, 1.0)
    low, high = np.percentile(told, _LEVELS)
    return Interval(float(min(low, observed)), float(max(high, observed)))


def draws(people: int, replicates: int = REPLICATES) -> Iterator[Weights]:
    """How often each of ``people`` is drawn, replicate by replicate; the same for every call."""
    random = np.random.default_rng(_SEED)
    for _ in range(replicates):
        yield random.multinomial(people, np.full(people, 1 / people)).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """FMR and FNMR at the thresholds ``grid``, one row a replicate; NaN where nothing was drawn."""

    grid: Scores
    fmr: Shares
    fnmr: Shares

    def cautious_threshold(self, fmr: float) -> float | None:
        """The lowest threshold of the grid that keeps ``fmr`` in 95 of 100 replicates; None where
        none does."""
        keeping = (self.fmr <= fmr).mean(axis=0) >= _KEPT
        above = np.flatnonzero(~keeping)
        first = int(above[-1]) + 1 if above.size else 0
        return float(self.grid[first]) if first < len(self.grid) else None

    def equal_error_rates(self) -> Shares:
        """Where the two curves cross, by straight lines between thresholds."""
        return np.array(
            [_crossing(fmr, fnmr) for fmr, fnmr in zip(self.fmr, self.fnmr, strict=True)]
        )

    def bands(self) -> tuple[Shares, Shares]:
        """Low and high ends of FMR and of FNMR by threshold: two arrays of 2 x thresholds."""
        return tuple(np.nanpercentile(rates, _LEVELS, axis=0) for rates in (self.fmr, self.fnmr))  # type: ignore[return-value]


def replicate_rates(
    comparisons: Comparisons, grid: Scores, *, replicates: int = REPLICATES
) -> Replicates:
    """Rates at each of the ascending thresholds ``grid``, in every replicate."""
    mated = _Binned.of(comparisons.mated, comparisons, grid)
    non_mated = _Binned.of(comparisons.non_mated, comparisons, grid)
    files = comparisons.files_per_person()
    fmr = np.empty((replicates, len(grid)))
    fnmr = np.empty_like(fmr)
    for row, drawn in enumerate(draws(comparisons.people, replicates)):
        matches, listed = non_mated.matches(drawn, drawn)
        total = _pairs_of_two_people(drawn * files) if comparisons.unlisted else listed
        hits, mated_total = mated.matches(drawn, None)
        with np.errstate(invalid="ignore", divide="ignore"):
            fmr[row] = matches / total
            fnmr[row] = 1 - hits / mated_total
    return Replicates(grid, fmr, fnmr)


def threshold_grid(comparisons: Comparisons, *also: float) -> Scores:
    """Ascending thresholds where the curves bend, and ``also``."""
    shares = np.linspace(0, 1, _GRID_QUANTILES)
    tail = 1 - np.geomspace(1e-6, 1, _GRID_QUANTILES)
    chosen = np.concatenate(
        [
            np.quantile(comparisons.mated.scores, shares),
            np.quantile(comparisons.non_mated.scores, tail),
        ]
    )
    return np.unique(np.concatenate([chosen.astype(np.float32), np.array(also, np.float32)]))


@dataclass(frozen=True, slots=True, eq=False)
class _Binned:
    """How many thresholds each pair reaches, and whose it is."""

    reached: NDArray[np.int32]
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    thresholds: int

    @classmethod
    def of(cls, pairs: ScoredPairs, comparisons: Comparisons, grid: Scores) -> _Binned:
        reached = np.searchsorted(grid, pairs.scores, "right").astype(np.int32)
        person = comparisons.person
        return cls(reached, person[pairs.first], person[pairs.second], len(grid))

    def matches(self, first: Weights, second: Weights | None) -> tuple[Shares, float]:
        """Weight of the pairs at or above each threshold, and of all pairs."""
        weights = first[self.first]
        if second is not None:
            weights *= second[self.second]
        counts = np.bincount(self.reached, weights, minlength=self.thresholds + 1)
        return np.cumsum(counts[::-1])[::-1][1:].astype(np.float64), float(counts.sum())


def _pairs_of_two_people(files: Weights) -> float:
    return float(files.sum() ** 2 - (files**2).sum()) / 2


def _crossing(fmr: Shares, fnmr: Shares) -> float:
    gap = fmr - fnmr
    if not np.isfinite(gap).all() or gap[0] < 0:
        return float("nan")
    after = int(np.argmax(gap <= 0))
    if gap[after] > 0:
        return float(fnmr[-1])
    before = max(after - 1, 0)
    step = gap[before] - gap[after]
    share = gap[before] / step if step > 0 else 0.0
    return float(fmr[before] + share * (fmr[after] - fmr[before]))
