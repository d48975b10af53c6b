"""Following points of a face from frame to frame by optical flow, however the face moves.

Lucas and Kanade 1981 in pyramids (Bouguet 2001), on grey chips that lay the eyes, nose and mouth of
each frame in one place: what is left to follow is what a similarity of the plane does not explain.
Nothing here knows what a face looks like in space; ``domain/relief.py`` asks that of the tracks.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.alignment import ARCFACE_TEMPLATE, ChipFrame, SimilarityTransform
from perse.domain.geometry import DetectedFace, Landmarks, Points
from perse.domain.samples import FaceImage
from perse.domain.session_frames import Tracks
from perse.imaging.cutting import Border, cut_chip

# Eyes 56 px apart, which a face of 640 x 480 webcams has, and all of it from ear to ear.
_CHIP = ChipFrame(224, 140.0, (56.0, 66.0))
_PLACES = _CHIP.place(ARCFACE_TEMPLATE)
_MOST_POINTS = 160
_APART_PX = 6
_LEAST_QUALITY = 0.003
_WINDOW_PX = (19, 19)
_LEVELS = 2
# A point that does not come back to where it was followed from has been lost.
_RETURNED_PX = 0.8
# So large a share of the points is left, or new ones are picked: in a turn, and when looking ahead.
_FEW, _MANY = 0.2, 0.7
# Of the eye distance: less than a turn of about 8 degrees.
_AHEAD_SHARE = 0.1

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The frame before: its chip, and the points on it."""

    chip: Grey
    points: Points
    base: int


class FaceTracker:
    """Follows the face of one session, frame after frame; not for two threads at once.

    Holds the chip of the last frame with a face, nothing older.
    """

    def __init__(self) -> None:
        self._seen: _Seen | None = None

    def __call__(self, image: FaceImage, face: DetectedFace | None) -> Tracks | None:
        """Where the points are on ``image``; None where there is no face.

        New ones are picked where few are left, or some are lost and the face looks ahead again.
        """
        if face is None:
            return None
        to_chip = SimilarityTransform.fit(face.landmarks.points, _PLACES)
        chip = _grey_chip(image, to_chip)
        points, base = self._points_on(chip, face.landmarks)
        self._seen = _Seen(chip, points, base)
        return Tracks(base, _in_picture(points, to_chip))

    def _points_on(self, chip: Grey, landmarks: Landmarks) -> tuple[Points, int]:
        before = self._seen
        if before is None:
            return _picked(chip), 0
        points = _followed(before.chip, chip, before.points)
        kept = float(np.isfinite(points[:, 0]).mean()) if len(points) else 0.0
        if kept < (_MANY if _looks_ahead(landmarks) else _FEW):
            return _picked(chip), before.base + 1
        return points, before.base


def _looks_ahead(landmarks: Landmarks) -> bool:
    """Whether the nose is near the middle between the eyes, and so all of the face is seen."""
    right_eye, left_eye, nose = landmarks.places[:3]
    across = left_eye - right_eye
    if not abs(across):
        return False
    aside = ((nose - (right_eye + left_eye) / 2) / across).real
    return abs(aside) < _AHEAD_SHARE


def _grey_chip(image: FaceImage, to_chip: SimilarityTransform) -> Grey:
    chip = cut_chip(image, to_chip, _CHIP.size_px, border=Border.REPEATED)
    return np.asarray(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), np.uint8)


def _picked(chip: Grey) -> Points:
    """Corners inside the oval of the face, n x 2."""
    oval = np.zeros(chip.shape, np.uint8)
    size = chip.shape[0]
    cv2.ellipse(
        oval,
        (size // 2, round(size * 0.5)),
        (round(size * 0.36), round(size * 0.46)),
        0,
        0,
        360,
        255,
        -1,
    )
    found = cv2.goodFeaturesToTrack(chip, _MOST_POINTS, _LEAST_QUALITY, _APART_PX, mask=oval)
    return (
        np.zeros((0, 2), np.float32)
        if found is None
        else np.asarray(found.reshape(-1, 2), np.float32)
    )


def _followed(before: Grey, after: Grey, points: Points) -> Points:
    alive = np.isfinite(points).all(axis=1)
    moved = np.full_like(points, np.nan)
    if not alive.any():
        return moved
    start = points[alive]
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, start, start.copy(), winSize=_WINDOW_PX, maxLevel=_LEVELS
    )
    back, returned, _ = cv2.calcOpticalFlowPyrLK(
        after, before, there, start.copy(), winSize=_WINDOW_PX, maxLevel=_LEVELS
    )
    kept = (found[:, 0] == 1) & (returned[:, 0] == 1)
    kept &= np.linalg.norm(back - start, axis=1) <= _RETURNED_PX
    there[~kept] = np.nan
    moved[alive] = there
    return moved


def _in_picture(points: Points, to_chip: SimilarityTransform) -> Points:
    back = to_chip.inverse()
    placed = (points[:, 0] + 1j * points[:, 1]) * back.turn + back.shift
    return np.stack((placed.real, placed.imag), axis=1).astype(np.float32)
