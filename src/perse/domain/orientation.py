"""Pictures and faces that do not stand upright, in quarter turns.

``quarter_turns``, 0..3, says how far a face stands turned clockwise in the picture as sent: 1 = the
top of the head points to the right. Righting a picture turns it back by as much.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perse.domain.alignment import ARCFACE_TEMPLATE, SimilarityTransform
from perse.domain.geometry import Box, DetectedFace, Landmarks
from perse.domain.samples import FaceImage

QUARTER_TURNS: Final = 4
_SMALLEST_SCALE: Final = 1e-5

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Righting:
    """The way between a picture of this size as sent and the same picture righted."""

    quarter_turns: int
    width_px: int
    height_px: int

    @classmethod
    def of(cls, image: FaceImage, quarter_turns: int) -> Righting:
        """The way back to ``image`` from ``righted(image, quarter_turns)``."""
        return cls(quarter_turns % QUARTER_TURNS, image.width_px, image.height_px)

    def as_sent(self, face: DetectedFace) -> DetectedFace:
        """A face of the righted picture where it stands in the picture as sent."""
        points = self._moved(face.landmarks.points, 1.0)
        return DetectedFace(
            self._box(face.box), Landmarks(np.asarray(points, np.float32)), face.score
        )

    def _box(self, box: Box) -> Box:
        corners = self._moved(np.array([[box.left, box.top], [box.right, box.bottom]]), 0.0)
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        return Box(float(left), float(top), float(right - left), float(bottom - top))

    def _moved(self, points: NDArray[np.float32] | NDArray[np.float64], pixel: float) -> Points:
        """n x 2 points of the righted picture in the one sent. ``pixel``: 1 where whole numbers
        are the middles of pixels, 0 where they are their edges."""
        x, y = np.asarray(points, np.float64).T
        last_x, last_y = self.width_px - pixel, self.height_px - pixel
        moved = ((x, y), (last_x - y, x), (last_x - x, last_y - y), (y, last_y - x))
        return np.stack(moved[self.quarter_turns], axis=1)


def righted(image: FaceImage, quarter_turns: int) -> FaceImage:
    """The picture turned counter-clockwise by that many quarter turns."""
    if quarter_turns % QUARTER_TURNS == 0:
        return image
    return FaceImage(np.ascontiguousarray(np.rot90(image.pixels, quarter_turns)), image.grey)


def righted_with(image: FaceImage, face: DetectedFace) -> tuple[FaceImage, Box]:
    """The picture in which ``face`` stands upright, to the nearest quarter turn, and its box there.

    For networks that look at a picture and a box, and know nothing of which way up.
    """
    turns = quarter_turns_of(face.landmarks)
    if turns == 0:
        return image, face.box
    upright = righted(image, turns)
    way = Righting.of(upright, -turns)
    return upright, way.as_sent(face).box


def quarter_turns_of(landmarks: Landmarks) -> int:
    """The nearest quarter turn, 0..3, at which a face with these landmarks stands.

    0 where they coincide, which says nothing.
    """
    standing = SimilarityTransform.fit(ARCFACE_TEMPLATE, landmarks.points)
    if standing.scale < _SMALLEST_SCALE:
        return 0
    return round(math.degrees(cmath.phase(standing.turn)) / 90) % QUARTER_TURNS
