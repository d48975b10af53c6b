"""Unit vectors in one byte a value, and how far the cosines of such vectors may be off.

A vector v is kept as codes c with v = step c + r. All vectors of as many values share one step, so
that a product of codes is compared as a whole number. A probe u = s q + t has a step of its own.
Then, by Cauchy and Schwarz,

    |<u, v> - s step <q, c>| = |<t, step c> + <u, r>| <= |t| |step c| + |u| |r|

and the lengths on the right are measured, not assumed.

Of long vectors the last values are kept in groups, of each the length. By the same inequality
<a, b> <= |a| |b|, so that products of shortened vectors are not below the cosine. Strangers' are
farther above it than others': from where thresholds lie they are one of a dozen, not one of a few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int8]
Vectors = NDArray[np.float32]
Products = NDArray[np.int32]

_LARGEST = 127
# Values of unit vectors spread by 1 / sqrt(how many): so many times as much is kept uncut.
_SPREADS = 5.5
# So many bytes are enough for a template, and for a long one this part of its values.
_UNSHORTENED = 160
_LEFT = 5 / 6
_GROUP = 5


@dataclass(frozen=True, slots=True)
class Looseness:
    """Of vectors that were quantised. ``error``: no residual is longer; ``length``: no quantised
    vector is."""

    error: float = 0.0
    length: float = 0.0

    def with_(self, other: Looseness) -> Looseness:
        """What holds for both."""
        return Looseness(max(self.error, other.error), max(self.length, other.length))


def step_of(values: int) -> float:
    """What one unit of a code stands for, in vectors of so many values."""
    return min(1.0, _SPREADS / math.sqrt(values)) / _LARGEST


def code_length(values: int) -> int:
    """How many codes a vector of so many values has."""
    return values - (_GROUP - 1) * _groups(values)


def quantise(vectors: Vectors) -> tuple[Codes, Looseness]:
    """n x values, n at least 1. Values that are too large are cut, which the error tells."""
    step, shortened = step_of(vectors.shape[1]), _shortened(vectors)
    codes = np.clip(np.rint(shortened / np.float32(step)), -_LARGEST, _LARGEST).astype(np.int8)
    kept = codes * step
    error, length = _longest(shortened - kept), _longest(kept)
    return codes, Looseness(error, length)


def _shortened(vectors: Vectors) -> NDArray[np.floating[Any]]:
    if not (groups := _groups(vectors.shape[1])):
        return vectors
    left = vectors.shape[1] - _GROUP * groups
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide[:, left:].reshape(len(wide), groups, _GROUP), axis=2)
    return np.hstack([wide[:, :left], lengths])


def _groups(values: int) -> int:
    too_many = values - max(_UNSHORTENED, math.floor(_LEFT * values))
    return math.ceil(max(0, too_many) / (_GROUP - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """``codes``: of one vector of ``values`` values. A cosine is at most about ``per_product``
    times the product of codes."""

    codes: Codes
    values: int
    per_product: float
    length: float
    error: float

    @classmethod
    def of(cls, vector: Vectors) -> Self:
        """Of a unit vector."""
        shortened = _shortened(vector[None])[0]
        scale = float(np.abs(shortened).max()) / _LARGEST
        codes = np.clip(np.rint(shortened / np.float32(scale)), -_LARGEST, _LARGEST)
        error = _longest((shortened - codes * scale)[None])
        length = _longest(vector[None])
        per_product = scale * step_of(len(vector))
        return cls(codes.astype(np.int8), len(vector), per_product, length, error)

    def slack(self, templates: Looseness) -> float:
        """How far a cosine in float32 may be from what the product of codes says.

        The last part is what adding up in float32, in any order, may be off by.
        """
        rounding = (self.values + 2) * 2.0**-24 * self.length
        quantised = self.error * templates.length + self.length * templates.error
        return quantised + 1.01 * rounding * (templates.length + templates.error)

    def least_product(self, cosine: float, templates: Looseness) -> float:
        """Templates with a smaller product of codes do not reach ``cosine``. A whole number, or
        minus infinity."""
        reached = (cosine - self.slack(templates)) / self.per_product
        return float(np.floor(reached - 1e-6 * abs(reached)))

    def ceilings(self, products: Products, templates: Looseness) -> NDArray[np.float64]:
        """The cosines of templates with these products of codes are not above."""
        return products.astype(np.float64) * self.per_product + self.slack(templates)


def _longest(vectors: NDArray[np.floating[Any]]) -> float:
    """Rounded up."""
    return float(np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1).max())) * (1 + 1e-9)
