"""How surely a capture would be recognised, from what the embedder itself showed of it.

The recognisability of a capture is the share of such captures that are recognised, at a false match
rate of 1e-4, when they are compared with a good picture of the same person. A logistic model tells
it from three things that the embedder gives for nothing:

- the length of the features before they are normalised (Meng, Zhao, Huang, Zhou: MagFace, 2021);
- the agreement of the features of the face and of its mirror image;
- how near the template lies to the directions into which damage moves the captures of all people
  (Deng, Chen, Ren and others: Harnessing Unrecognizable Faces, 2021).

Strangers who share damage share its direction, and their cosine rises by the product of what both
have of it. That product is taken from the cosine again, as far as both captures are in doubt.
Fitted by ``training/recognisability``; what it is worth: docs/bad-pictures.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from perse.domain.references import Template
from perse.errors import InvalidParameter

Values = NDArray[np.float64]
Vectors = NDArray[np.float32]

MEASURES = 4


@dataclass(frozen=True, slots=True)
class Sharing:
    """How much of a cosine two captures owe to damage that they share.

    ``surplus``: beyond this product of what both have of the directions, which good captures have
    too, the share ``weight`` of it is taken off, and ``cushion`` for damage of other directions:
    in full from ``full_doubt`` on, not at all up to ``no_doubt``, in proportion between them.
    """

    surplus: float
    weight: float
    cushion: float
    no_doubt: float
    full_doubt: float

    def __post_init__(self) -> None:
        least = min(self.weight, self.cushion)  # below 0, strangers would be made more alike
        if least < 0 or not 0 <= self.no_doubt < self.full_doubt:
            raise InvalidParameter(f"no correction for shared damage: {self}")

    def taken(self, shared: Values, doubt: Values) -> Values:
        """What is taken off cosines, 0 or more. ``shared``: product of the loads; ``doubt``: the
        smaller one of the two."""
        excess = np.maximum(shared - self.surplus, 0)
        taken: Values = self.weight * excess + self.cushion
        part = (doubt - self.no_doubt) / (self.full_doubt - self.no_doubt)
        return np.clip(part, 0, 1) * taken


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """What a comparison must know of n captures: ``loads``, n x directions, what each has of the
    directions of damage; ``doubt``, n, minus the logarithm of the recognisability."""

    loads: Values
    doubt: Values

    def of(self, which: slice) -> Captured:
        return Captured(self.loads[which], self.doubt[which])


@dataclass(frozen=True, eq=False)
class Recognisability:
    """The fitted model of one embedder.

    ``directions``: k x features, unit vectors. ``typical_length``: median of good captures.
    ``lowest``, ``highest``: the range of each measure that was seen when ``weights`` (intercept
    first) were fitted; beyond it a measure counts as its end. ``least``: the recognisability from
    which on a comparison tells anything. Raises InvalidParameter when these do not go together.
    """

    directions: Vectors
    typical_length: float
    lowest: Sequence[float]
    highest: Sequence[float]
    weights: Sequence[float]
    least: float
    sharing: Sharing

    def __post_init__(self) -> None:
        shapes = {len(self.lowest), len(self.highest), len(self.weights) - 1}
        whole = self.directions.ndim == 2 and shapes == {MEASURES}
        if not (whole and 0 < self.least < 1 and self.typical_length > 0):
            raise InvalidParameter("this model of recognisability does not hold together")

    @cached_property
    def digest(self) -> str:
        """Another one for another fit."""
        facts = (*map(float, (*self.lowest, *self.highest, *self.weights)), self.typical_length)
        content = repr(facts).encode() + self.directions.tobytes()
        return hashlib.sha256(content).hexdigest()[:8]

    def of(self, template: Template) -> float | None:
        """0..1, higher is better; None for a template without traits."""
        traits = template.traits
        if traits is None:
            return None
        lengths, mirrored = np.array([traits.length]), np.array([traits.mirror_cosine])
        return float(self.of_all(template.vector[None], lengths, mirrored)[0])

    def of_all(self, vectors: Vectors, lengths: Values, mirror_cosines: Values) -> Values:
        """The same for many captures at once."""
        near = np.maximum(vectors @ self.directions.T, 0)
        seen = measures(near, lengths / self.typical_length, mirror_cosines)
        odds = self.weights[0] + np.clip(seen, self.lowest, self.highest) @ self.weights[1:]
        chance: Values = 1 / (1 + np.exp(-odds))
        return chance

    def captured(self, vectors: Vectors, recognisability: Values) -> Captured:
        """``recognisability``: of each capture; 1 where it is not known."""
        loads = np.asarray(vectors @ self._basis.T, np.float64)
        return Captured(loads, -np.log(np.maximum(recognisability, 1e-6)))

    def corrected(self, cosines: Values, rows: Captured, columns: Captured) -> Values:
        """n x m cosines of captures with others, as they would be without shared damage.

        -1..1, and never higher than they were.
        """
        doubt = np.minimum(rows.doubt[:, None], columns.doubt[None, :])
        taken = self.sharing.taken(rows.loads @ columns.loads.T, doubt)
        return np.maximum(cosines - taken, -1)

    @cached_property
    def _basis(self) -> Vectors:
        """Orthonormal, of the space of the directions."""
        basis: Vectors = np.linalg.svd(self.directions, full_matrices=False)[2]
        return basis


def measures(near: Values, lengths: Values, mirror_cosines: Values) -> Values:
    """n x MEASURES. ``near``: n x directions, what each capture has of them, not below 0;
    ``lengths``: relative to good captures'."""
    columns = (np.log(lengths), mirror_cosines, near.max(axis=1), (near**2).sum(axis=1))
    return np.column_stack(columns)
