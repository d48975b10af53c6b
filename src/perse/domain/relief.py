"""How much a face moved like a head when it turned, and how much like a sheet.

The points q of a sheet go from one frame to the next by a homography. The points of a head go
beyond that by their depth: a rotation R moves each by (R13, R23) z(q) more. So the measured tracks
are fitted by what a sheet can do plus ``slope`` times what an average head that turned so far would
add: 1 for a head, 0 for a sheet, whatever the angle. The tracks are optical flow; the average head
only says in which pattern depth is looked for, and no pattern of its own gets into them. A sheet
bent to a cylinder or creased, whichever way the axis lies, moves each point by a function of its
distance to that axis as well: ``unbent`` is the slope beside that, for the axis that leaves least.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.alignment import SimilarityTransform
from perse.domain.geometry import HeadPose, Landmarks, Points
from perse.domain.pose import Matrix, rotation_matrix
from perse.domain.session_frames import ObservedFrame

Vectors = NDArray[np.float64]

_FEWEST_POINTS = 25
_AXES = np.deg2rad(np.arange(0, 180, 30))
_ROUNDS = 5
_HUBER = 1.5
_FINE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class HeadShape:
    """An average head that looks ahead, in eye distances from between the eyes, axes of
    ``domain/pose``. ``anchors``: 5 x 3, where a detector's points lie. ``depth``: rows x columns,
    z over ``left``..``right`` and ``top``..``bottom``."""

    anchors: Matrix
    depth: Vectors
    left: float = -1.05
    right: float = 1.05
    top: float = -0.85
    bottom: float = 1.6

    def depth_at(self, places: Vectors) -> Vectors:
        """n x 2 -> n, bilinear; beyond the edge that of the edge."""
        rows, columns = self.depth.shape
        x = (places[:, 0] - self.left) / (self.right - self.left) * (columns - 1)
        y = (places[:, 1] - self.top) / (self.bottom - self.top) * (rows - 1)
        x, y = np.clip(x, 0, columns - 1 - _FINE), np.clip(y, 0, rows - 1 - _FINE)
        column, row = x.astype(np.intp), y.astype(np.intp)
        u, v = x - column, y - row
        upper = self.depth[row, column] * (1 - u) + self.depth[row, column + 1] * u
        lower = self.depth[row + 1, column] * (1 - u) + self.depth[row + 1, column + 1] * u
        return np.asarray(upper * (1 - v) + lower * v)

    def depth_seen(self, places: Vectors, pose: HeadPose) -> Vectors:
        """The z of what is seen at ``places`` of a head in ``pose``, both in the camera's frame."""
        turn = rotation_matrix(pose)
        z = np.zeros(len(places))
        for _ in range(3):
            own = np.column_stack((places, z)) @ turn
            own[:, 2] = self.depth_at(own[:, :2])
            z = own @ turn[2]
        return z


@dataclass(frozen=True, slots=True)
class Relief:
    """``slope``: 0 = flat, about 1 = a head. ``unbent``: the same where the sheet may be bent.
    ``points``: on how many it stands. ``angle``: degrees between the two frames."""

    slope: float
    unbent: float
    points: int
    angle: float


def relief(ahead: ObservedFrame, turned: ObservedFrame, head: HeadShape) -> Relief | None:
    """None where too few points were followed from the one frame to the other."""
    start, end = ahead.tracks, turned.tracks
    if start is None or end is None or start.base != end.base:
        return None
    if ahead.landmarks is None or ahead.pose is None or turned.pose is None:
        return None
    seen = np.isfinite(start.points).all(axis=1) & np.isfinite(end.points).all(axis=1)
    if seen.sum() < _FEWEST_POINTS:
        return None
    laid = laid_on(ahead.landmarks, ahead.pose, head)
    places = _moved(start.points[seen], laid)
    turn = _turn(ahead.pose, turned.pose)
    depth = head.depth_seen(places, ahead.pose)
    upright = np.conj(laid.turn / abs(laid.turn))
    expected = _plane(depth * complex(turn[0, 2], turn[1, 2]) * upright)
    measured = end.points[seen].astype(np.float64)
    measured = (measured - measured.mean(axis=0)) / _scale(places, measured)
    flat = _of_sheets(places, measured)
    bends = [np.hstack((flat, _of_bends(places, axis))) for axis in _AXES]
    return Relief(
        slope=_slope(flat, expected, measured),
        unbent=min(_slope(basis, expected, measured) for basis in bends),
        points=int(seen.sum()),
        angle=_angle(turn),
    )


def angle_between(ahead: HeadPose, turned: HeadPose) -> float:
    """Degrees by which a head turned, 0..180."""
    return _angle(_turn(ahead, turned))


def laid_on(landmarks: Landmarks, pose: HeadPose, head: HeadShape) -> SimilarityTransform:
    """From the picture to the eye distances of a head in ``pose``."""
    anchors = (head.anchors @ rotation_matrix(pose).T)[:, :2]
    return SimilarityTransform.fit(landmarks.points, anchors)


def median_relief(reliefs: Sequence[Relief]) -> Relief | None:
    """Of the frames of one turn together; None of none."""
    return _together(reliefs, np.median) if reliefs else None


def mean_relief(reliefs: Sequence[Relief]) -> Relief | None:
    """Of the turns of one session together; None of none."""
    return _together(reliefs, np.mean) if reliefs else None


def _together(reliefs: Sequence[Relief], middle: Callable[[list[float]], np.floating]) -> Relief:
    return Relief(
        slope=float(middle([it.slope for it in reliefs])),
        unbent=float(middle([it.unbent for it in reliefs])),
        points=min(it.points for it in reliefs),
        angle=max(it.angle for it in reliefs),
    )


def _turn(ahead: HeadPose, turned: HeadPose) -> Matrix:
    return np.asarray(rotation_matrix(turned) @ rotation_matrix(ahead).T)


def _angle(turn: Matrix) -> float:
    cosine = (float(np.trace(turn)) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _moved(points: Points, transform: SimilarityTransform) -> Vectors:
    return _plane((points[:, 0] + 1j * points[:, 1]) * transform.turn + transform.shift)


def _plane(values: NDArray[np.complex128]) -> Vectors:
    return np.column_stack((values.real, values.imag))


def _scale(places: Vectors, measured: Vectors) -> float:
    """Pixels to an eye distance: the direction in which a turn shortens nothing."""
    linear = np.linalg.lstsq(_affine(places), measured, rcond=None)[0][1:]
    return float(np.linalg.svd(linear)[1][0])


def _affine(places: Vectors) -> Vectors:
    return np.column_stack((np.ones(len(places)), places))


def _of_sheets(places: Vectors, measured: Vectors) -> Vectors:
    """What a homography can do, by the linear terms of Hartley and Zisserman 2004, 4.1; 2n x 8,
    first all x, then all y."""
    perspective = np.vstack([places * measured[:, axis : axis + 1] for axis in range(2)])
    return np.hstack((_of_both(_affine(places)), perspective))


def _of_bends(places: Vectors, axis: float) -> Vectors:
    """Powers of the distance to the axis of a cylinder, and the distance itself to both sides of
    it, as a crease there has it; 2n x 6."""
    away = places @ np.array((np.cos(axis), np.sin(axis)))
    return _of_both(np.column_stack((away**2, away**3, np.abs(away))))


def _of_both(columns: Vectors) -> Vectors:
    nothing = np.zeros_like(columns)
    return np.block([[columns, nothing], [nothing, columns]])


def _slope(basis: Vectors, expected: Vectors, measured: Vectors) -> float:
    """Of ``measured`` on ``expected`` beside ``basis``; least squares reweighted after Huber 1964,
    since some points are followed wrongly and mouths move."""
    seen = np.column_stack((expected.T.ravel(), measured.T.ravel()))
    weights: Vectors = np.ones(len(expected))
    slope = 0.0
    for _ in range(_ROUNDS):
        both = np.tile(weights, 2)[:, None]
        within, _ = np.linalg.qr(basis * both)
        left = seen * both
        left = left - within @ (within.T @ left)
        slope = float(left[:, 0] @ left[:, 1]) / max(float(left[:, 0] @ left[:, 0]), _FINE)
        off = (left[:, 1] - slope * left[:, 0]).reshape(2, -1)
        away = np.hypot(off[0], off[1]) / weights
        usual = 1.4826 * float(np.median(away)) + _FINE
        weights = np.asarray(np.maximum(1.0, away / (_HUBER * usual)) ** -0.5)
    return slope
