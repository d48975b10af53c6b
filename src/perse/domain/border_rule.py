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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import DetectedFace, Landmarks

Vectors = NDArray[np.float64]

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


@dataclass(frozen=True, slots=True, eq=False)
class FaceOutline:
    """Middle of the cheeks (2 x 2), forehead and chin (2 each), size; picture pixels."""

    cheeks: Vectors
    forehead: Vectors
    chin: Vectors
    width_px: float
    height_px: float


def outline_of(landmarks: Landmarks) -> FaceOutline:
    """Where the face ends, extrapolated from five landmarks."""
    points = landmarks.points.astype(np.float64)
    middle = points.mean(axis=0)
    across, down = _axes(points)
    centred = points - middle
    unit = max(float(np.sqrt((centred**2).sum(axis=1).mean())), _SMALLEST_UNIT_PX)
    nose_x, nose_y = centred[2] @ across / unit, centred[2] @ down / unit
    sides = np.array((-_CHEEK, _CHEEK)) + _CHEEK_PER_NOSE_X * nose_x
    top = _FOREHEAD + _FOREHEAD_PER_NOSE_Y * nose_y
    bottom = _CHIN + _CHIN_PER_NOSE_Y * nose_y
    level = (top + bottom) / 2 * down
    upright = sides.mean() * across
    return FaceOutline(
        cheeks=middle + unit * (sides[:, None] * across + level),
        forehead=middle + unit * (top * down + upright),
        chin=middle + unit * (bottom * down + upright),
        width_px=2 * _CHEEK * unit,
        height_px=float(bottom - top) * unit,
    )


def wholly_inside(face: DetectedFace, *, width_px: int, height_px: int) -> bool:
    """Whether ``face`` is completely inside a picture of that size."""
    points = face.landmarks.points.astype(np.float64)
    if np.ptp(points, axis=0).max() < _SMALLEST_SPREAD_PX:
        return False  # nothing can be said of a face whose landmarks coincide
    if outside_px(points, width_px, height_px).max() > 0:
        return False
    return cut_share(face.landmarks, width_px=width_px, height_px=height_px) <= 1.0


def cut_share(landmarks: Landmarks, *, width_px: int, height_px: int) -> float:
    """How far the outline reaches past the border; 0 = not at all, 1 = as far as allowed."""
    outline = outline_of(landmarks)
    ends = np.vstack((outline.cheeks, outline.forehead, outline.chin))
    side_px, top_px, bottom_px = (
        outline.width_px * _CHEEK_SHARE,
        outline.height_px * _FOREHEAD_SHARE,
        outline.height_px * _CHIN_SHARE,
    )
    allowed_px = np.array((side_px, side_px, top_px, bottom_px))
    return float((outside_px(ends, width_px, height_px) / allowed_px).max())


def outside_px(points: Vectors, width_px: int, height_px: int) -> Vectors:
    """Distance of each point (n x 2) from the picture; 0 inside."""
    size = np.array((width_px, height_px))
    return np.asarray(np.maximum(np.maximum(-points, points - size), 0).max(axis=1))


def _axes(points: Vectors) -> tuple[Vectors, Vectors]:
    """Unit vectors across the face (mean direction of eyes and mouth) and down it."""
    lines = points[[1, 4]] - points[[0, 3]]
    lengths = np.maximum(np.linalg.norm(lines, axis=1, keepdims=True), 1e-9)
    direction = (lines / lengths).sum(axis=0)
    length = float(np.linalg.norm(direction))
    across = direction / length if length > 1e-6 else np.array((1.0, 0.0))
    return across, np.array((-across[1], across[0]))
