"""From an attack detector's log odds to a score that reads as a probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perse.domain.decisions import PadScore
from perse.errors import InvalidParameter


@dataclass(frozen=True, slots=True)
class PadScale:
    """``sigmoid(slope * log_odds + offset)``, fitted on people of their own (Platt 1999).

    The score is the probability of a bona fide presentation where half of all presentations are
    attacks. ``slope`` > 0, so a higher score is always more bona fide.
    """

    slope: float
    offset: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and math.isfinite(self.offset) and self.slope > 0):
            raise InvalidParameter(f"not a scale: {self}")

    def score(self, log_odds: float) -> PadScore:
        """Raises InvalidParameter when ``log_odds`` is not finite: a broken run is no score."""
        if not math.isfinite(log_odds):
            raise InvalidParameter("an attack detector's log odds must be finite")
        shifted = self.slope * log_odds + self.offset
        if shifted < 0:
            return PadScore(math.exp(shifted) / (1 + math.exp(shifted)))
        return PadScore(1 / (1 + math.exp(-shifted)))
