"""A second look at a face, upright and at one size, so that its landmarks hold still.

A detector's points move by a pixel or two with the size, the turn and the place of a face in the
picture, and that costs recognition more than it seems. So the detector sees the face once more on
a crop of its own and on the mirror image of that crop, and the two answers are averaged.
docs/thresholds.md says what it is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from perse.domain.alignment import ARCFACE_TEMPLATE, ChipFrame, SimilarityTransform, mirrored
from perse.domain.geometry import DetectedFace, Framing, Landmarks, Points
from perse.domain.samples import FaceImage, Pixels
from perse.models.face_chip import cut_chip

_CENTRE = (56.0, 60.0)
_SIDE = 180.0
_FARTHEST = 0.12


class _Finder(Protocol):
    def find(self, image: FaceImage, framing: Framing) -> Sequence[DetectedFace]: ...


class CropLandmarkRefiner:
    """Locates landmarks anew with ``finder`` on a crop of ``crop_px``, a multiple of 32.

    The finder should be the detector that found the face, with a low threshold: that there is a
    face is settled.
    """

    def __init__(self, finder: _Finder, *, crop_px: int = 192) -> None:
        self._finder = finder
        self._size_px = crop_px
        self._expected = ChipFrame(crop_px, _SIDE, _CENTRE).place(ARCFACE_TEMPLATE)

    def refine(self, image: FaceImage, landmarks: Landmarks) -> Landmarks:
        """Better landmarks of the same face, picture pixels.

        ``landmarks`` come back as they are when the face is not found again near its place.
        """
        to_crop = SimilarityTransform.fit(landmarks.points, self._expected)
        crop = cut_chip(image.pixels, to_crop, self._size_px)
        before = Landmarks(np.asarray(to_crop.apply(landmarks.points), np.float32))
        straight = self._look(crop, before)
        width = self._size_px
        reflected = self._look(np.ascontiguousarray(crop[:, ::-1]), mirrored(before, width))
        seen = [straight] if straight else []
        seen += [mirrored(reflected, width)] if reflected else []
        if not seen:
            return landmarks
        middle = np.mean([found.points for found in seen], axis=0)
        return Landmarks(np.asarray(to_crop.inverse().apply(middle), np.float32))

    def _look(self, crop: Pixels, before: Landmarks) -> Landmarks | None:
        faces = self._finder.find(FaceImage(crop), Framing.whole(self._size_px, self._size_px))
        found = [face.landmarks for face in faces]
        nearest = min(found, key=lambda it: _gap(it.points, before.points), default=None)
        if nearest is None or _gap(nearest.points, before.points) > _FARTHEST * self._size_px:
            return None
        return nearest


def _gap(points: Points, others: Points) -> float:
    """Mean distance along the axes, pixels."""
    return float(np.abs(points - others).mean())
