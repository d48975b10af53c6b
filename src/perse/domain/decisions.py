"""From a network's score to a decision: operating points and the calibrated similarity scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter

_SIMILARITY_AT_FMR_1 = 0.4
_SIMILARITY_PER_DECADE = 0.1
_FMR_AT_SIMILARITY_1 = 1e-6
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A cosine threshold and the false match rate measured at it (0 < fmr <= 1)."""

    fmr: float
    cosine: float

    def __post_init__(self) -> None:
        if not 0 < self.fmr <= 1 or not -1 <= self.cosine <= 1:
            raise InvalidParameter(f"not an operating point: {self}")


@dataclass(frozen=True, slots=True)
class PadScore:
    """0..1, higher = more surely a bona fide presentation."""

    value: float

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise InvalidParameter("a PAD score lies between 0 and 1")


def similarity_at_fmr(fmr: float) -> float:
    """0.6 at 1e-2, 0.7 at 1e-3, 0.8 at 1e-4, 0.9 at 1e-5: 0.1 for every tenfold fewer.

    The scale ends with 1 at 1e-6. Raises InvalidParameter unless 0 < fmr <= 1.
    """
    if not 0 < fmr <= 1:
        raise InvalidParameter(f"not a false match rate: {fmr}")
    return min(1.0, _SIMILARITY_AT_FMR_1 - _SIMILARITY_PER_DECADE * math.log10(fmr))


def fmr_at_similarity(similarity: float) -> float:
    """The inverse: the false match rate that a similarity stands for, at most 1."""
    decades = (similarity - _SIMILARITY_AT_FMR_1) / _SIMILARITY_PER_DECADE
    return float(min(1.0, 10.0**-decades))


class SimilarityScale:
    """Monotone map from a network's cosine to the similarity scale, 0..1.

    Straight between the operating points; beyond the last one the last slope goes on up to 1,
    which cosine 1 always reaches, and below the first a line leads to 0 at cosine -1. Outside the
    measured points (``supported`` is false) the value orders pairs but stands for no measured error
    rate. Points below 1e-6, where the scale ends, are left out.
    Raises InvalidParameter unless two or more points rise together.
    """

    def __init__(self, points: Sequence[OperatingPoint]) -> None:
        within = [point for point in points if point.fmr >= _FMR_AT_SIMILARITY_1 * (1 - _ROUNDING)]
        ordered = sorted(within, key=lambda point: -point.fmr)
        cosines = [point.cosine for point in ordered]
        rates_fall = all(a.fmr > b.fmr for a, b in pairwise(ordered))
        if len(ordered) < 2 or not rates_fall or any(a >= b for a, b in pairwise(cosines)):
            raise InvalidParameter("a similarity scale needs two or more rising operating points")
        self.points = tuple(ordered)
        similarities = [similarity_at_fmr(point.fmr) for point in ordered]
        slope = (similarities[-1] - similarities[-2]) / (cosines[-1] - cosines[-2])
        top = min(1.0, cosines[-1] + (1.0 - similarities[-1]) / slope)
        self._cosines = np.array([-1.0, *cosines, top])
        self._similarities = np.array([0.0, *similarities, 1.0])

    def similarity(self, cosine: float) -> float:
        """``cosine`` -1..1 -> 0..1, never falling."""
        return float(self.similarities(np.array(cosine)))

    def similarities(self, cosines: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """The same of many at once."""
        told: NDArray[np.float64] = np.interp(cosines, self._cosines, self._similarities)
        return told

    def cosine(self, similarity: float) -> float:
        """The inverse: the cosine from which on ``similarity`` (0..1) is reached."""
        return float(np.interp(similarity, self._similarities, self._cosines))

    def supported(self, cosine: float) -> bool:
        """Whether ``cosine`` lies between measured operating points."""
        return self.points[0].cosine <= cosine <= self.points[-1].cosine

    def threshold(self, fmr: float) -> float:
        """The similarity from which on pairs match at ``fmr``.

        Raises InvalidParameter for a rate that the measured points do not enclose.
        """
        highest, lowest = self.points[0].fmr, self.points[-1].fmr
        if not lowest * (1 - _ROUNDING) <= fmr <= highest * (1 + _ROUNDING):
            raise InvalidParameter(
                f"a false match rate of {fmr_key(fmr)} was not measured: "
                f"choose one from {fmr_key(lowest)} to {fmr_key(highest)}"
            )
        return round(similarity_at_fmr(fmr), 6)

    def thresholds(self) -> Mapping[str, float]:
        """Similarity threshold by FMR, keyed "1e-2" ... for the measured points."""
        return {fmr_key(point.fmr): round(similarity_at_fmr(point.fmr), 4) for point in self.points}


def fmr_key(fmr: float) -> str:
    """1e-4 -> "1e-4"."""
    mantissa, exponent = f"{fmr:e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"
