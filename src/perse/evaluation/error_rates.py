"""Error rates of a comparison, ISO/IEC 19795-1. A pair matches when its score >= the threshold.

FMR: share of non-mated pairs that match. FNMR: share of mated pairs that do not. Both 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.decisions import fmr_key
from perse.errors import InvalidParameter

Scores = NDArray[np.float32]
_RULE_OF_THREE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Scores of mated and of non-mated pairs, each sorted ascending; neither empty.

    ``unlisted``: how many more non-mated pairs there are, known only to score below every one
    listed. They count in every rate; thresholds among them cannot be told.
    """

    mated: Scores
    non_mated: Scores
    unlisted: int = 0

    def __post_init__(self) -> None:
        for scores in (self.mated, self.non_mated):
            if scores.ndim != 1 or scores.size == 0 or not np.isfinite(scores).all():
                raise InvalidParameter("error rates need finite scores of both kinds of pair")
        if self.unlisted < 0:
            raise InvalidParameter("a number of pairs is not negative")

    @classmethod
    def of(cls, mated: Scores, non_mated: Scores, *, unlisted: int = 0) -> PairScores:
        return cls(np.sort(mated), np.sort(non_mated), unlisted)

    @property
    def non_mated_count(self) -> int:
        return self.non_mated.size + self.unlisted

    def fmr(self, threshold: float) -> float:
        """Raises InvalidParameter for a threshold among scores that are not listed."""
        if self.unlisted and threshold <= self.non_mated[0]:
            raise InvalidParameter(
                f"only the {self.non_mated.size:,} highest non-mated scores are known, and "
                f"{threshold:.4f} is not above the lowest of them"
            )
        matches = self.non_mated.size - _below(self.non_mated, threshold)
        return matches / self.non_mated_count

    def fnmr(self, threshold: float) -> float:
        return _below(self.mated, threshold) / self.mated.size

    def threshold_for_fmr(self, fmr: float) -> float:
        """The lowest observed-score threshold whose FMR is at most ``fmr``.

        Raises InvalidParameter when so few pairs cannot show such a rate.
        """
        if fmr < self.smallest_supported_fmr:
            raise InvalidParameter(
                f"{self.non_mated_count:,} non-mated pairs support FMR "
                f"{two_digits(self.smallest_supported_fmr)}, not {fmr_key(fmr)}"
            )
        allowed = int(np.floor(fmr * self.non_mated_count + 1e-9))
        if allowed >= self.non_mated.size:
            raise InvalidParameter(f"too few high scores are known for FMR {fmr_key(fmr)}")
        highest_refused = self.non_mated[self.non_mated.size - allowed - 1]
        return float(np.nextafter(highest_refused, np.float32(np.inf)))

    @property
    def smallest_supported_fmr(self) -> float:
        """Rule of three: with no error seen in n pairs, 95 % sure that the rate is below 3 / n."""
        return _RULE_OF_THREE / self.non_mated_count

    def equal_error_rate(self) -> float:
        """Where FMR and FNMR meet; their mean at the observed score where they are closest."""
        thresholds = np.unique(np.concatenate((self.mated, self.non_mated)))
        fmr, fnmr = self.rates(thresholds)
        nearest = int(np.argmin(np.abs(fmr - fnmr)))
        if self.unlisted and fmr[nearest] < fnmr[nearest] and nearest == 0:
            raise InvalidParameter("FMR and FNMR meet among scores that are not listed")
        return float(fmr[nearest] + fnmr[nearest]) / 2

    def rates(self, thresholds: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """FMR and FNMR at many thresholds; FMR is a lower bound among unlisted scores."""
        matches = self.non_mated.size - np.searchsorted(self.non_mated, thresholds, "left")
        misses = np.searchsorted(self.mated, thresholds, "left")
        return matches / self.non_mated_count, misses / self.mated.size


def two_digits(rate: float) -> str:
    """0.0014286 -> "1.4e-3"; 0 -> "0"."""
    return fmr_key(float(f"{rate:.1e}")) if rate else "0"


def _below(ascending: Scores, threshold: float) -> int:
    """How many of the sorted scores are less than ``threshold``."""
    return int(np.searchsorted(ascending, np.float32(threshold), "left"))
