"""Pictures on surfaces that turn before a camera: heads, flat, bent and folded sheets.

One mechanism for all: every pixel has a depth, the surface is turned and seen in perspective, and
the view is read backwards by fixed-point iteration. Far cheeks of a head that is turned by more
than about 30 degrees smear, since what they hide is not hidden but drawn over.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

from perse.domain.geometry import HeadPose, Points
from perse.domain.pose import rotation_matrix
from perse.domain.samples import Pixels

Plane = NDArray[np.float32]

# Of a camera half a metre away, in distances between the eyes.
CAMERA_EYES = 8.0
_ROUNDS = 10
_STEP = 4
_DAMPING = np.float32(0.75)


@dataclass(frozen=True, slots=True)
class Stance:
    """How a surface is held: its turn, times its size, and shifted by pixels."""

    pose: HeadPose
    scale: float = 1.0
    shift_px: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """``picture``: RGB as seen when it looks ahead. ``depth``: pixels away from the camera, 0 at
    the eyes. ``share``: 0..1, how far each pixel goes with the turn. ``pivot``: x, y, z in pixels.
    ``solid``: 0..1, what belongs to it; the rest shows ``behind``. Both None: nothing is behind."""

    picture: Pixels
    depth: Plane
    share: Plane
    pivot: tuple[float, float, float]
    eyes_px: float
    solid: Plane | None = None
    behind: Pixels | None = None

    def seen(self, stance: Stance, picture: Pixels | None = None) -> Pixels:
        """The view; of another picture on the same surface where one is given."""
        there = self._backwards(stance)
        view = _read(self.picture if picture is None else picture, there)
        if self.solid is None or self.behind is None:
            return view
        cover = _at(self.solid, *there)[..., None]
        return np.asarray(view * cover + self.behind * (1 - cover), np.uint8)

    def _backwards(self, stance: Stance) -> tuple[Plane, Plane]:
        """For each pixel of the view, where in the picture it comes from. Found for every fourth
        pixel, since depth is smooth."""
        height, width = self.depth.shape
        y, x = np.mgrid[:height:_STEP, :width:_STEP].astype(np.float32)
        go_x, go_y = self._forwards(stance, x, y)
        at_x, at_y = x.copy(), y.copy()
        for _ in range(_ROUNDS):
            by_x, by_y = (_at(go, at_x / _STEP, at_y / _STEP) for go in (go_x, go_y))
            at_x += _DAMPING * (x - by_x - at_x)
            at_y += _DAMPING * (y - by_y - at_y)
        full_y, full_x = np.mgrid[:height, :width].astype(np.float32) / _STEP
        return _at(at_x, full_x, full_y), _at(at_y, full_x, full_y)

    def _forwards(self, stance: Stance, x: Plane, y: Plane) -> tuple[Plane, Plane]:
        """By how much each pixel of the picture is moved."""
        far = np.float32(CAMERA_EYES * self.eyes_px)
        middle_x, middle_y, middle_z = (np.float32(it) for it in self.pivot)
        depth = self.depth[::_STEP, ::_STEP]
        wide = 1 + depth / far
        px, py, pz = (x - middle_x) * wide, (y - middle_y) * wide, depth - middle_z
        turn = rotation_matrix(stance.pose).astype(np.float32)
        qx, qy, qz = (turn[row, 0] * px + turn[row, 1] * py + turn[row, 2] * pz for row in range(3))
        near = np.float32(stance.scale) / (1 + (qz + middle_z) / far)
        to_x = middle_x + qx * near + np.float32(stance.shift_px[0])
        to_y = middle_y + qy * near + np.float32(stance.shift_px[1])
        share = self.share[::_STEP, ::_STEP]
        return share * (to_x - x), share * (to_y - y)


def head_of(picture: Pixels, mesh: Points, eyes_px: float) -> Surface:
    """``mesh``: n x 3 points of the face, pixels, z 0 at the eyes. What lies around it goes with
    it, less and less; so necks are of rubber."""
    height, width = picture.shape[:2]
    step = 3
    y, x = np.mgrid[:height:step, :width:step]
    within = LinearNDInterpolator(mesh[:, :2], mesh[:, 2])(x, y)
    nearest = NearestNDInterpolator(mesh[:, :2], mesh[:, 2])(x, y)
    hull = np.isfinite(within)
    away = cv2.distanceTransform((~hull).astype(np.uint8), cv2.DIST_L2, 5) * step / eyes_px
    depth = np.where(hull, within, nearest + eyes_px * np.minimum(0.6 * away, 0.9))
    below = np.clip((y - mesh[:, 1].max()) / eyes_px, 0, None)
    reach = np.clip((1.9 - away - 0.8 * below) / 1.2, 0, 1)
    share = reach * reach * (3 - 2 * reach)
    smooth = cv2.GaussianBlur(depth.astype(np.float32), (0, 0), 0.035 * eyes_px / step)
    size = (width, height)
    middle_x, middle_y = mesh[:, 0].mean(), mesh[:, 1].max()
    return Surface(
        picture,
        np.asarray(cv2.resize(smooth, size), np.float32),
        np.asarray(cv2.resize(share.astype(np.float32), size), np.float32),
        (float(middle_x), float(middle_y), 1.1 * eyes_px),
        eyes_px,
    )


def sheet_of(
    picture: Pixels,
    middle: tuple[float, float],
    eyes_px: float,
    behind: Pixels,
    *,
    bend: float = 0.0,
    fold: float = 0.0,
    axis_degrees: float = 0.0,
) -> Surface:
    """``picture`` on a sheet before ``behind``. ``bend``: eye distances over the radius of the
    cylinder; ``fold``: depth per pixel on both sides of a crease through the middle of the face;
    ``axis_degrees``: of cylinder and crease, 0 = upright."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    turn = np.deg2rad(axis_degrees)
    away = (x - middle[0]) * np.cos(turn) + (y - middle[1]) * np.sin(turn)
    depth = fold * np.abs(away)
    if bend:
        radius = eyes_px / bend
        away = np.clip(np.abs(away), 0, 0.85 * radius)
        depth = depth + radius - np.sqrt(radius**2 - away**2)
    solid = np.zeros((height, width), np.float32)
    reach = 1.9 * eyes_px
    left, right = (int(np.clip(middle[0] + side * reach, 0, width)) for side in (-1, 1))
    top, bottom = (int(np.clip(middle[1] + side * reach, 0, height)) for side in (-1.25, 1.25))
    solid[top:bottom, left:right] = 1
    solid = np.asarray(cv2.GaussianBlur(solid, (0, 0), 1.0), np.float32)
    return Surface(
        picture,
        depth.astype(np.float32),
        np.ones((height, width), np.float32),
        (middle[0], middle[1], 0.0),
        eyes_px,
        solid,
        behind,
    )


def _at(field: Plane, x: Plane, y: Plane) -> Plane:
    return np.asarray(
        cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _read(picture: Pixels, there: tuple[Plane, Plane]) -> Pixels:
    seen = cv2.remap(picture, *there, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)
