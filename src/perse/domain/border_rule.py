"""Which faces are completely inside the picture.

A detector's box says little about a cut face: it tends to end at the border. The five points say
more, because the network places hidden ones where they would be. So the outline of the face
(cheeks, forehead, chin) is extrapolated from them, and a face counts as inside when every landmark
lies within the picture and the outline reaches past the border by no more than a small share of
the face's size. The shares are such that a selfie cut to its face's box passes and a face cut
through cheek, forehead, chin or deeper does not; benchmarks/border_rule.py prints how often each
holds.

The outline is a fit to the boxes that YuNet-n gives uncut portraits: within 2 % of the face's
width and 3 % of its height (standard deviation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from perse.domain.geometry import DetectedFace, Landmarks

# In the face's own frame: origin at the landmarks' mean, x along the eyes and the mouth, y down to
# the chin, unit = root mean square distance of the landmarks. The nose tells yaw and pitch.
_CHEEK, _CHEEK_PER_NOSE_X = 1.72, -1.77
_FOREHEAD, _FOREHEAD_PER_NOSE_Y = -2.52, -1.72
_CHIN, _CHIN_PER_NOSE_Y = 2.12, -0.44

# Landmarks on one spot have no size; this keeps the arithmetic finite.
_SMALLEST_UNIT_PX = 1e-3

# How far the outline may reach past the border, as a share of the face's width or height.
_CHEEK_SHARE = 0.11
_FOREHEAD_SHARE = 0.16
_CHIN_SHARE = 0.08

_SMALLEST_SPREAD_PX = 1.0


@dataclass(frozen=True, slots=True)
class FaceOutline:
    """Middle of both cheeks, forehead and chin as x + iy, and the size; picture pixels."""

    cheeks: tuple[complex, complex]
    forehead: complex
    chin: complex
    width_px: float
    height_px: float


def outline_of(landmarks: Landmarks) -> FaceOutline:
    """Where the face ends, extrapolated from five landmarks."""
    points = landmarks.places
    middle = sum(points) / len(points)
    squares = (abs(point - middle) ** 2 for point in points)
    unit = max(math.sqrt(sum(squares) / len(points)), _SMALLEST_UNIT_PX)
    frame = unit * _across(points)
    nose = (points[2] - middle) / frame
    aside = _CHEEK_PER_NOSE_X * nose.real
    top = _FOREHEAD + _FOREHEAD_PER_NOSE_Y * nose.imag
    bottom = _CHIN + _CHIN_PER_NOSE_Y * nose.imag
    level = (top + bottom) / 2
    return FaceOutline(
        cheeks=(
            middle + frame * complex(aside - _CHEEK, level),
            middle + frame * complex(aside + _CHEEK, level),
        ),
        forehead=middle + frame * complex(aside, top),
        chin=middle + frame * complex(aside, bottom),
        width_px=2 * _CHEEK * unit,
        height_px=(bottom - top) * unit,
    )


def wholly_inside(face: DetectedFace, *, width_px: int, height_px: int) -> bool:
    """Whether ``face`` is completely inside a picture of that size."""
    points = face.landmarks.places
    spread = max(
        _length([point.real for point in points]), _length([point.imag for point in points])
    )
    if spread < _SMALLEST_SPREAD_PX:
        return False  # nothing can be said of a face whose landmarks coincide
    if any(outside_px(point, width_px, height_px) for point in points):
        return False
    return cut_share(face.landmarks, width_px=width_px, height_px=height_px) <= 1.0


def cut_share(landmarks: Landmarks, *, width_px: int, height_px: int) -> float:
    """How far the outline reaches past the border; 0 = not at all, 1 = as far as allowed."""
    outline = outline_of(landmarks)
    side_px = outline.width_px * _CHEEK_SHARE
    allowed_px = (
        (outline.cheeks[0], side_px),
        (outline.cheeks[1], side_px),
        (outline.forehead, outline.height_px * _FOREHEAD_SHARE),
        (outline.chin, outline.height_px * _CHIN_SHARE),
    )
    return max(outside_px(end, width_px, height_px) / px for end, px in allowed_px)


def outside_px(point: complex, width_px: int, height_px: int) -> float:
    """How far the point is from the picture, along the axis where that is more; 0 inside."""
    x, y = point.real, point.imag
    return max(-x, x - width_px, -y, y - height_px, 0.0)


def _across(points: Sequence[complex]) -> complex:
    """Unit vector across the face: the mean direction of eyes and mouth."""
    lines = points[1] - points[0], points[4] - points[3]
    direction = sum(line / max(abs(line), 1e-9) for line in lines)
    length = abs(direction)
    return direction / length if length > 1e-6 else complex(1)


def _length(places: Sequence[float]) -> float:
    return max(places) - min(places)
