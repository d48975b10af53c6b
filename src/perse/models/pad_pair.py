"""Two attack detectors that judge together: their log odds, weighted and added.

Both are trained on other data and look at other squares, so their errors differ. The weight and
the scale of the sum are fitted like the scale of one detector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from perse.domain.decisions import PadScore
from perse.domain.geometry import Box
from perse.domain.samples import FaceImage, ModelName
from perse.errors import InvalidParameter
from perse.models.pad_scale import PadScale


class AttackLogit(Protocol):
    def log_odds(self, image: FaceImage, box: Box) -> float:
        """Before calibration; higher = more bona fide."""
        ...


@dataclass(frozen=True, slots=True)
class PairScale:
    """``sigmoid(slope * (first + companion_weight * companion) + offset)`` of two log odds.

    Raises InvalidParameter unless ``slope`` and ``companion_weight`` are positive: each detector's
    higher log odds must raise the score.
    """

    slope: float
    offset: float
    companion_weight: float

    def __post_init__(self) -> None:
        PadScale(self.slope, self.offset)
        if not 0 < self.companion_weight < float("inf"):
            raise InvalidParameter(f"not a scale: {self}")

    def score(self, first: float, companion: float) -> PadScore:
        """0..1. Raises InvalidParameter when the log odds are not finite."""
        together = first + self.companion_weight * companion
        return PadScale(self.slope, self.offset).score(together)


class AttackDetectorPair:
    """One detector and its companion. ``model`` names the pair."""

    def __init__(
        self, first: AttackLogit, companion: AttackLogit, model: ModelName, *, scale: PairScale
    ) -> None:
        self._first = first
        self._companion = companion
        self._model = model
        self._scale = scale

    @property
    def model(self) -> ModelName:
        return self._model

    def score(self, image: FaceImage, box: Box) -> PadScore:
        """0..1, higher = more bona fide. Raises NetworkUnusable."""
        return self._scale.score(
            self._first.log_odds(image, box), self._companion.log_odds(image, box)
        )
