"""Error rates of a comparison, ISO/IEC 19795-1. A pair matches when its score >= the threshold.

FMR: share of non-mated pairs that match. FNMR: share of mated pairs that do not. Both 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter

Scores = NDArray[np.float32]
_RULE_OF_THREE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Scores of mated and of non-mated pairs, each sorted ascending; neither empty."""

    mated: Scores
    non_mated: Scores

    def __post_init__(self) -> None:
        for scores in (self.mated, self.non_mated):
            if scores.ndim != 1 or scores.size == 0 or not np.isfinite(scores).all():
                raise InvalidParameter("error rates need finite scores of both kinds of pair")

    @classmethod
    def of(cls, mated: Scores, non_mated: Scores) -> PairScores:
        return cls(np.sort(mated), np.sort(non_mated))

    def fmr(self, threshold: float) -> float:
        return share_at_or_above(self.non_mated, threshold)

    def fnmr(self, threshold: float) -> float:
        return 1.0 - share_at_or_above(self.mated, threshold)

    def threshold_for_fmr(self, fmr: float) -> float:
        """The lowest observed-score threshold whose FMR is at most ``fmr``.

        Raises InvalidParameter when so few pairs cannot show such a rate.
        """
        if fmr < self.smallest_supported_fmr:
            raise InvalidParameter(
                f"{self.non_mated.size:,} non-mated pairs support FMR "
                f"{self.smallest_supported_fmr:.1e}, not {fmr:.0e}"
            )
        allowed = int(np.floor(fmr * self.non_mated.size + 1e-9))
        highest_refused = self.non_mated[self.non_mated.size - allowed - 1]
        return float(np.nextafter(highest_refused, np.float32(np.inf)))

    @property
    def smallest_supported_fmr(self) -> float:
        """Rule of three: with no error seen in n pairs, 95 % sure that the rate is below 3 / n."""
        return _RULE_OF_THREE / self.non_mated.size

    def equal_error_rate(self) -> float:
        """Where FMR and FNMR meet; their mean at the observed score where they are closest."""
        thresholds = np.unique(np.concatenate((self.mated, self.non_mated)))
        fmr = 1.0 - np.searchsorted(self.non_mated, thresholds, "left") / self.non_mated.size
        fnmr = np.searchsorted(self.mated, thresholds, "left") / self.mated.size
        nearest = int(np.argmin(np.abs(fmr - fnmr)))
        return float(fmr[nearest] + fnmr[nearest]) / 2


def share_at_or_above(ascending: Scores, threshold: float) -> float:
    """Share of the sorted scores that are >= ``threshold``, 0..1."""
    below = int(np.searchsorted(ascending, np.float32(threshold), "left"))
    return 1.0 - below / ascending.size
