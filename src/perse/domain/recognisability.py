"""How surely a capture would be recognised, from what the embedder itself showed of it.

The recognisability of a capture is the share of such captures that are recognised, at a false match
rate of 1e-4, when they are compared with a good picture of the same person. A logistic model tells
it from three things that the embedder gives for nothing:

- the length of the features before they are normalised (Meng, Zhao, Huang, Zhou: MagFace, 2021);
- the agreement of the features of the face and of its mirror image;
- how near the template lies to the directions into which damage moves the captures of all people
  (Deng, Chen, Ren and others: Harnessing Unrecognizable Faces, 2021).

Strangers who are both damaged resemble one another. Which of many treatments a capture had is told
from its template, and what that treatment adds to everybody's templates is taken out of it. How
much further strangers' cosines still reach than those of good captures was measured for each
treatment, and the surplus of both captures together is taken off their cosine.
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
# Below 1: damage that is not surely told still counts.
_CAUTION = 0.7
# Nothing is left of a template that is all damage.
_SHORTEST = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Sharing:
    """How much of a cosine two captures owe to damage.

    ``tellers``: treatments x (features + 2), what the log odds of having had each treatment rather
    than none are: by the template's values, by the doubt, and a constant. ``steps``: treatments x
    features, what each adds to templates in the mean. ``surplus``: by treatment, the root of how
    much further strangers' cosines still reach where both captures had it. ``cushion``: taken off
    for damage of other kinds, for every unit of the smaller doubt.
    """

    tellers: Values
    steps: Vectors
    surplus: Values
    cushion: float

    def __post_init__(self) -> None:
        treatments, told_by = self.tellers.shape
        if (self.steps.shape, self.surplus.shape) != ((treatments, told_by - 2), (treatments,)):
            raise InvalidParameter("this correction for shared damage does not hold together")
        # Below 0, strangers would be made more alike.
        if self.cushion < 0 or (self.surplus < 0).any():
            raise InvalidParameter(f"no correction for shared damage: {self}")

    def chances(self, vectors: Vectors, doubt: Values) -> Values:
        """Captures x treatments: how likely each capture had each of them."""
        by_doubt, constant = self.tellers[:, -2], self.tellers[:, -1]
        odds = vectors @ self.tellers[:, :-2].T + doubt[:, None] * by_doubt + constant
        # Relative to the likeliest, so that no power is too large.
        likeliest = odds.max(axis=1, initial=0, keepdims=True)
        powers = np.exp(odds - likeliest)
        chances: Values = powers / (np.exp(-likeliest) + powers.sum(axis=1, keepdims=True))
        return chances

    def rid(self, vectors: Vectors, chances: Values) -> Vectors:
        """Templates without what their damage adds to everybody's, of unit length."""
        rest = vectors - chances.astype(np.float32) @ self.steps
        lengths = np.sqrt((rest * rest).sum(axis=1, keepdims=True))
        return np.asarray(rest / np.maximum(lengths, _SHORTEST), np.float32)

    def surplus_of(self, chances: Values) -> Values:
        """Of each capture. A treatment that it may have had counts for more than its chance, since
        strangers whose damage is hard to name are no less alike."""
        surplus: Values = chances**_CAUTION @ self.surplus
        return surplus

    def taken(self, surplus: Values, doubt: Values) -> Values:
        """What is taken off cosines, 0 or more. ``surplus``: product of both captures';
        ``doubt``: the smaller one of the two."""
        return surplus + self.cushion * doubt


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """What a comparison must know of n captures: the ``rest`` of each template without its damage,
    the ``surplus`` of that, and its ``doubt``, minus the logarithm of the recognisability."""

    rest: Vectors
    surplus: Values
    doubt: Values

    def of(self, which: slice | NDArray[np.intp]) -> Captured:
        return Captured(self.rest[which], self.surplus[which], self.doubt[which])


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
        whole = whole and self.sharing.tellers.shape[1] == self.directions.shape[1] + 2
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
        doubt = doubt_of(recognisability)
        chances = self.sharing.chances(vectors, doubt)
        sharing = self.sharing
        return Captured(sharing.rid(vectors, chances), sharing.surplus_of(chances), doubt)

    def corrected(self, cosines: Values, rows: Captured, columns: Captured) -> Values:
        """n x m cosines of captures with others, as they would be without damage.

        -1..1, and never higher than they were.
        """
        doubt = np.minimum(rows.doubt[:, None], columns.doubt[None, :])
        taken = self.sharing.taken(np.outer(rows.surplus, columns.surplus), doubt)
        rest = np.minimum(cosines, rows.rest @ columns.rest.T)
        effective: Values = np.maximum(rest - taken, -1)
        return effective


def doubt_of(recognisability: Values) -> Values:
    """0 of who is surely recognised."""
    doubt: Values = -np.log(np.maximum(recognisability, 1e-6))
    return doubt


def measures(near: Values, lengths: Values, mirror_cosines: Values) -> Values:
    """n x MEASURES. ``near``: n x directions, what each capture has of them, not below 0;
    ``lengths``: relative to good captures'."""
    columns = (np.log(lengths), mirror_cosines, near.max(axis=1), (near**2).sum(axis=1))
    return np.column_stack(columns)
