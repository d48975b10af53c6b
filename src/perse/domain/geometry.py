"""Boxes, landmarks and head pose. Pixels of the upright picture, origin at the top left corner."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-parallel rectangle: left, top, width, height in pixels; width and height positive."""

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        values = (self.left, self.top, self.width, self.height)
        if not all(math.isfinite(v) for v in values) or self.width <= 0 or self.height <= 0:
            raise InvalidParameter(f"not a box: {values}")

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def longer_side(self) -> float:
        return max(self.width, self.height)


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Five points, float32 5 x 2 (x, y): right eye, left eye, nose, mouth right, mouth left.

    Right and left are the subject's own, so the right eye is usually left in the picture.
    """

    points: Points

    def __post_init__(self) -> None:
        if self.points.shape != (5, 2) or not np.isfinite(self.points).all():
            raise InvalidParameter("landmarks must be five finite points")

    def inter_eye_distance_px(self) -> float:
        return float(np.linalg.norm(self.points[1] - self.points[0]))


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Head turn in degrees, all 0 when looking straight into the camera.

    yaw > 0: turned towards the subject's own left; pitch > 0: looking up; roll > 0: head tilted
    towards the subject's own left shoulder (clockwise as the subject feels it).
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """One face as a detector found it. ``score``: 0..1, higher = more surely a face."""

    box: Box
    landmarks: Landmarks
    score: float
