"""One similarity of a person's face and voice together, on the scale of each of them alone.

The evidence of both is added as logarithms of likelihood ratios: how much likelier a similarity is
of one person than of two. Which similarities two people reach is what the scale states, so that the
false match rate of any sum is known without further data. Nothing is counted that no measured rate
stands behind: similarities above the highest measured point count as that point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.decisions import similarity_at_fmr
from perse.errors import InvalidParameter

Values = NDArray[np.float64]

_LEAST_SIMILARITY = 0.4  # FMR 1
_STEP = 0.002
_SUMS = 2000
_RAREST = 1e-9
_ROUNDING = 1e-9
# Strangers of one sex resemble one another in face and in voice, others in neither. The worst case
# of such a trait is assumed: that half of all pairs share it, and all false matches are among them.
_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a similarity of one modality says.

    ``middle``: the similarity that is as likely of one person as of two; ``steepness``: how fast
    the log ratio grows from there on, per unit. ``highest``: the similarity up to which false match
    rates were measured. ``lost``: the share of a person's captures that show nothing of the
    person; it is why a low similarity of one modality cannot outweigh a high one of the other.
    Raises InvalidParameter for numbers that are no evidence.
    """

    steepness: float
    middle: float
    highest: float
    lost: float

    def __post_init__(self) -> None:
        within = _LEAST_SIMILARITY < self.middle < 1 and _LEAST_SIMILARITY < self.highest <= 1
        if not (within and 0 < self.steepness < math.inf and 0 < self.lost < 1):
            raise InvalidParameter(f"no evidence: {self}")

    def log_ratio(self, similarity: float | Values) -> Values:
        """Natural logarithm, never falling. ``similarity``: 0..1."""
        bounded = np.minimum(similarity, self.highest)
        told: Values = np.logaddexp(math.log(self.lost), self.steepness * (bounded - self.middle))
        return told

    def least_similarity(self, log_ratio: float) -> float:
        """The inverse: lower similarities do not reach it. 0 where every one does, infinity where
        none does."""
        if log_ratio > self.log_ratio(self.highest):
            return math.inf
        beyond = math.exp(log_ratio) - self.lost
        if beyond <= 0:
            return 0.0
        return max(0.0, self.middle + math.log(beyond) / self.steepness - _ROUNDING)

    def of_strangers(self) -> tuple[Values, Values]:
        """Log ratios of people who are alike, and how likely each is, on the safe side."""
        low = np.arange(_LEAST_SIMILARITY, self.highest, _STEP)
        reached = np.minimum(1.0, 10 ** (-10 * (low - _LEAST_SIMILARITY)) / _ALIKE)
        return self.log_ratio(low + _STEP), reached - np.append(reached[1:], 0.0)


class ModalityFusion:
    """The fused similarity of a face and a voice that were captured together."""

    def __init__(self, face: Evidence, voice: Evidence) -> None:
        self.face, self.voice = face, voice
        (faces, of_faces), (voices, of_voices) = face.of_strangers(), voice.of_strangers()
        sums = np.add.outer(faces, voices).ravel()
        order = np.argsort(sums)
        share = np.outer(of_faces, of_voices).ravel()[order]
        at_least = np.append(np.cumsum(share[::-1])[::-1], 0.0)
        self._sums = np.linspace(sums[order[0]], sums[order[-1]], _SUMS)
        rates = _ALIKE * at_least[np.searchsorted(sums[order], self._sums)]
        self._similarities = np.array([similarity_at_fmr(max(rate, _RAREST)) for rate in rates])

    def similarity(self, face: float, voice: float) -> float:
        """0.4..1, never falling with either similarity, 0..1, of one probe with one person.

        There is none where one of the two is missing or could not be assessed: decide by the other
        one. Raises InvalidParameter for what is no similarity.
        """
        if not (0 <= face <= 1 and 0 <= voice <= 1):
            raise InvalidParameter(f"not two similarities: {face}, {voice}")
        return float(self.similarities(face, voice))

    def similarities(self, faces: float | Values, voices: float | Values) -> Values:
        """The same of many at once; arrays go together by numpy's rules."""
        evidence = self.face.log_ratio(faces) + self.voice.log_ratio(voices)
        reached = np.searchsorted(self._sums, evidence, "right") - 1
        told: Values = self._similarities[np.maximum(reached, 0)]
        return told

    def floors(self, fused: float) -> tuple[float, float]:
        """The similarities of a face and of a voice that are needed for a fused one, however much
        the other one says; infinity where none is enough."""
        reached = int(np.searchsorted(self._similarities, fused - _ROUNDING))
        if reached == len(self._sums):
            return math.inf, math.inf
        most = [float(it.log_ratio(it.highest)) for it in (self.face, self.voice)]
        needed = float(self._sums[reached]) - _ROUNDING
        return (
            self.face.least_similarity(needed - most[1]),
            self.voice.least_similarity(needed - most[0]),
        )

    def supported(self, similarity: float) -> bool:
        """Whether rates stand behind a fused similarity, as far as they do behind the stronger
        modality: beyond it they follow only from both being independent."""
        return 0.6 <= similarity <= max(self.face.highest, self.voice.highest)
