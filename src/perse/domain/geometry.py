"""Boxes, landmarks and head pose. Pixels of the upright picture, origin at the top left corner."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter

Points = NDArray[np.float32]

_TINY = np.finfo(np.float32).tiny


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

    def within(self, width_px: int, height_px: int) -> Box:
        """The part inside a picture of that size. Raises InvalidParameter when there is none."""
        left, top = max(self.left, 0.0), max(self.top, 0.0)
        right, bottom = min(self.right, width_px), min(self.bottom, height_px)
        return Box(left, top, right - left, bottom - top)

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

    @property
    def places(self) -> list[complex]:
        """The same as plain numbers, x + iy, for what is computed of five points."""
        return [complex(x, y) for x, y in self.points.tolist()]

    def inter_eye_distance_px(self) -> float:
        return float(np.linalg.norm(self.points[1] - self.points[0]))


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Head turn in degrees, all 0 when looking straight into the camera.

    yaw > 0: turned towards the subject's own left; pitch > 0: looking up; roll > 0: head tilted
    towards the subject's own left shoulder (clockwise as one looks at the picture).
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


@dataclass(frozen=True, slots=True)
class Framing:
    """The part of the picture plane that a detector looks at, and how large it sees it.

    left, top, right, bottom: picture pixels, the last two exclusive; the part may reach past the
    picture, which then has a margin. ``scale``: canvas pixels per picture pixel.
    """

    left: int
    top: int
    right: int
    bottom: int
    scale: float

    def __post_init__(self) -> None:
        if self.right <= self.left or self.bottom <= self.top or not 0 < self.scale < math.inf:
            raise InvalidParameter(f"not a framing: {self}")

    @classmethod
    def whole(cls, width_px: int, height_px: int, *, scale: float = 1.0) -> Framing:
        return cls(0, 0, width_px, height_px, scale)

    @property
    def canvas_size_px(self) -> tuple[int, int]:
        """Width and height of the canvas, at least one pixel each."""
        width = max(1, round((self.right - self.left) * self.scale))
        height = max(1, round((self.bottom - self.top) * self.scale))
        return width, height

    def to_picture(self, canvas_points: Points) -> Points:
        """Points (... x 2) on the canvas, in picture pixels."""
        width, height = self.canvas_size_px
        step = ((self.right - self.left) / width, (self.bottom - self.top) / height)
        origin = np.array((self.left, self.top), np.float32)
        return canvas_points * np.array(step, np.float32) + origin


def overlap_with_each(box: Points, others: Points) -> Points:
    """Intersection over union of one box with each of n, all as (left, top, right, bottom)."""
    upper_left = np.maximum(box[:2], others[:, :2])
    lower_right = np.minimum(box[2:], others[:, 2:])
    shared = _areas(np.maximum(lower_right - upper_left, 0))
    union = _areas(box[2:] - box[:2]) + _areas(others[:, 2:] - others[:, :2]) - shared
    return np.asarray(shared / np.maximum(union, _TINY), np.float32)


def _areas(sides: Points) -> Points:
    return np.asarray(sides[..., 0] * sides[..., 1])


def suppress_overlaps(
    corners: Points, scores: NDArray[np.float32], *, overlap: float, most: int = 1000
) -> NDArray[np.intp]:
    """Indices of the boxes kept by greedy non-maximum suppression, best score first.

    ``corners``: n x 4 as (left, top, right, bottom). A box goes when its intersection over union
    with a better one exceeds ``overlap``. Equal scores keep their order, so the result is fixed.
    Only the ``most`` best are looked at, so that no picture can make this slow.
    """
    waiting = np.argsort(-scores, kind="stable")[:most]
    kept: list[np.intp] = []
    while waiting.size:
        best, rest = waiting[0], waiting[1:]
        kept.append(best)
        waiting = rest[overlap_with_each(corners[best], corners[rest]) <= overlap]
    return np.array(kept, np.intp)
