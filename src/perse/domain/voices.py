"""What the voice use cases answer, and what recordings of different length do to a score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from perse.domain.references import Template
from perse.domain.samples import ModelName
from perse.domain.voice_quality import VoiceQuality, VoiceRequirements
from perse.errors import InvalidParameter


@dataclass(frozen=True, slots=True)
class DurationCorrection:
    """Makes cosines of short and of long recordings comparable.

    The more speech there is, the more of a template is the voice and the less is what was said,
    so that strangers' cosines spread out: one threshold would pass more of them. The spread grows
    by the share ``slope`` for every e-fold of net speech; a corrected cosine is what
    ``reference_s`` of speech would have given. Beyond ``longest_s`` nothing more is corrected.
    """

    slope: float = 0.0
    reference_s: float = 2.5
    longest_s: float = 10.0
    shortest_s: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.shortest_s <= self.reference_s <= self.longest_s or self.slope < 0:
            raise InvalidParameter(f"no correction for durations: {self}")
        if self.spread(self.shortest_s, self.shortest_s) <= 0:
            raise InvalidParameter(f"so steep a slope turns scores around: {self}")

    def spread(self, first_s: float, second_s: float) -> float:
        """Spread of strangers' cosines relative to that at ``reference_s``, for two net
        durations; their harmonic mean counts, since the shorter one decides."""
        effective_s = 2 / (1 / max(first_s, 1e-3) + 1 / max(second_s, 1e-3))
        bounded_s = min(max(effective_s, self.shortest_s), self.longest_s)
        return 1 + self.slope * math.log(bounded_s / self.reference_s)

    def corrected(self, cosine: float, first_s: float, second_s: float) -> float:
        """-1..1 -> -1..1; keeps the order of pairs of equal durations."""
        return min(1.0, max(-1.0, cosine / self.spread(first_s, second_s)))


@dataclass(frozen=True, slots=True)
class CapturedVoice:
    """A recording ready to be compared."""

    template: Template
    quality: VoiceQuality


@dataclass(frozen=True, slots=True)
class VoiceComparison:
    """``similarity``: 0..1 on the calibrated scale; ``supported``: whether it lies between
    measured operating points; ``cosine``: -1..1, corrected for duration; ``first`` and ``second``:
    how good the recordings are."""

    similarity: float
    supported: bool
    cosine: float
    first: VoiceQuality
    second: VoiceQuality
    models: Mapping[str, ModelName]


@dataclass(frozen=True, slots=True)
class VoiceThresholds:
    """``similarity``: default threshold; ``similarity_by_fmr`` is keyed "1e-2" and so on;
    ``recording``: what the recordings should have. ``operating_points``: what the similarity
    stands on, the catalogue or the id of this installation's own."""

    similarity: float
    similarity_by_fmr: Mapping[str, float]
    recording: VoiceRequirements
    operating_points: Mapping[str, str] = field(default_factory=dict)
