"""Laying five landmarks where a face embedder expects them.

The common frame is the 112 x 112 pixel square of the five-point template that ArcFace and most
networks after it were trained with (Deng et al. 2019, insightface). Each detector places its points
a little differently, so each has a canon of its own in that frame.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perse.domain.geometry import Landmarks
from perse.errors import InvalidParameter

FRAME_SIDE = 112.0

Places = NDArray[np.float64]

_MIRROR_ORDER = (1, 0, 2, 4, 3)
_SMALLEST_SPREAD = 1e-9


def read_only(points: ArrayLike) -> Places:
    """A float64 copy that cannot be changed."""
    places = np.array(points, np.float64)
    places.setflags(write=False)
    return places


ARCFACE_TEMPLATE = read_only(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)


@dataclass(frozen=True, slots=True)
class SimilarityTransform:
    """Turn, uniform scale and shift of the plane. A point is told as x + iy, and goes to ``turn``
    times itself plus ``shift``: for a few points, plain numbers are many times quicker than arrays.
    """

    turn: complex
    shift: complex

    @classmethod
    def fit(cls, source: ArrayLike, target: ArrayLike) -> SimilarityTransform:
        """The least-squares transform of n points to n others, both n x 2, n >= 2.

        Umeyama 1991 in two dimensions; with complex numbers no reflection can come out. Raises
        InvalidParameter when the source points coincide.
        """
        start, end = _complex(source), _complex(target)
        middle = sum(start) / len(start)
        spread = [point - middle for point in start]
        square = sum(point.real**2 + point.imag**2 for point in spread)
        if not square > _SMALLEST_SPREAD:
            raise InvalidParameter("points that coincide say nothing of scale and turn")
        shared = (one.conjugate() * other for one, other in zip(spread, end, strict=True))
        turn = sum(shared) / square
        return cls(turn, sum(end) / len(end) - turn * middle)

    @classmethod
    def onto_square(
        cls, centre: tuple[float, float], *, scale: float, turned_degrees: float, size_px: int
    ) -> SimilarityTransform:
        """From a picture to a square of ``size_px`` with ``centre`` in the middle of its pixels.

        ``scale``: target length per source length. What stands turned clockwise by
        ``turned_degrees`` stands level there.
        """
        turn = scale * cmath.exp(-1j * math.radians(turned_degrees))
        middle = complex(1, 1) * (size_px - 1) / 2
        return cls(turn, middle - turn * complex(*centre))

    @property
    def matrix(self) -> Places:
        """The same as a 2 x 3 float64 matrix."""
        turn, shift = self.turn, self.shift
        return np.array(
            [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], np.float64
        )

    @property
    def scale(self) -> float:
        """Target length per source length."""
        return abs(self.turn)

    def apply(self, points: ArrayLike) -> Places:
        """n x 2 points moved, float64."""
        moved = [self.turn * point + self.shift for point in _complex(points)]
        return np.array(moved, np.complex128).view(np.float64).reshape(-1, 2)

    def from_part(self, left: float, top: float) -> SimilarityTransform:
        """The same from a part of the source that begins at that point."""
        return SimilarityTransform(self.turn, self.shift + self.turn * complex(left, top))

    def from_halved(self, times: int) -> SimilarityTransform:
        """The same from the source halved ``times`` times: each of its pixels stands for several,
        and their middle is its own."""
        ratio = 2.0**times
        first = complex(1, 1) * (ratio - 1) / 2
        return SimilarityTransform(self.turn * ratio, self.turn * first + self.shift)

    def inverse(self) -> SimilarityTransform:
        """The way back. Raises InvalidParameter when the scale is nought."""
        if self.scale**2 <= _SMALLEST_SPREAD:
            raise InvalidParameter("a transform to a single point has no way back")
        return SimilarityTransform(1 / self.turn, -self.shift / self.turn)


@dataclass(frozen=True, slots=True)
class ChipFrame:
    """A square chip of ``size_px`` that shows ``side`` units of the common frame around ``centre``.

    Pixel centres lie at whole numbers, as in OpenCV.
    """

    size_px: int
    side: float = FRAME_SIDE
    centre: tuple[float, float] = (55.5, 55.5)

    def __post_init__(self) -> None:
        if self.size_px < 1 or not self.side > 0:
            raise InvalidParameter(f"not a chip: {self}")

    def place(self, canon: ArrayLike) -> Places:
        """Points of the common frame, in pixels of the chip."""
        moved = np.asarray(canon, np.float64) - np.array(self.centre)
        return np.asarray(moved * (self.size_px / self.side) + (self.size_px - 1) / 2)


def mirrored(landmarks: Landmarks, width_px: int) -> Landmarks:
    """The same points in the mirrored picture, right and left exchanged."""
    points = landmarks.points[list(_MIRROR_ORDER)].copy()
    points[:, 0] = width_px - 1 - points[:, 0]
    return Landmarks(points)


def fitted_canon(faces: NDArray[np.float64], template: ArrayLike = ARCFACE_TEMPLATE) -> Places:
    """The canon of a detector from its landmarks of many faces (n x 5 x 2), without labels.

    Generalised Procrustes analysis (Gower 1975): the mean shape after each face has been laid on
    it, itself laid on ``template``. Raises InvalidParameter without faces.
    """
    if len(faces) == 0:
        raise InvalidParameter("a canon needs faces")
    canon = np.asarray(template, np.float64)
    for _ in range(10):
        laid = [SimilarityTransform.fit(face, canon).apply(face) for face in faces]
        mean = np.mean(laid, axis=0)
        canon = SimilarityTransform.fit(mean, template).apply(mean)
    return canon


def _complex(points: ArrayLike) -> list[complex]:
    return [complex(x, y) for x, y in np.asarray(points, np.float64).tolist()]
