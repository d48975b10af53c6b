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
from perse.domain.geometry import DetectedFace, Framing, Landmarks
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.cutting import cut_chip
from perse.imaging.mirroring import mirror_image

_CENTRE = (56.0, 60.0)
_SIDE = 180.0
_FARTHEST = 0.12
# In eye distances. 14 % of press portraits are beyond it after the first round (2026-11-23).
_SETTLED = 0.08
_MOST_ROUNDS = 3


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
        self._eye_distance_px = float(np.linalg.norm(self._expected[1] - self._expected[0]))

    def refine(self, image: FaceImage, landmarks: Landmarks) -> Landmarks:
        """Better landmarks of the same face, picture pixels.

        ``landmarks`` come back as they are when the face is not found again near its place. Where
        they moved far, as those of a face on its side do, the crop was not upright: another look.
        """
        for _ in range(_MOST_ROUNDS):
            found, moved = self._refined_once(image, landmarks)
            landmarks = found
            if moved <= _SETTLED:
                break
        return landmarks

    def _refined_once(self, image: FaceImage, landmarks: Landmarks) -> tuple[Landmarks, float]:
        """The landmarks after one round, and how far they moved on average, in eye distances."""
        to_crop = SimilarityTransform.fit(landmarks.points, self._expected)
        crop = cut_chip(image, to_crop, self._size_px)
        before = Landmarks(np.asarray(to_crop.apply(landmarks.points), np.float32))
        seen = self._seen(crop, before)
        if not seen:
            return landmarks, 0.0
        middle = np.mean([found.points for found in seen], axis=0)
        moved = float(np.linalg.norm(middle - before.points, axis=1).mean())
        refined = Landmarks(np.asarray(to_crop.inverse().apply(middle), np.float32))
        return refined, moved / self._eye_distance_px

    def _seen(self, crop: Pixels, before: Landmarks) -> list[Landmarks]:
        """Where the face is seen on the crop and on its mirror image: 0 to 2 answers."""
        width = self._size_px
        straight = self._look(crop, before)
        reflected = self._look(mirror_image(crop), mirrored(before, width))
        return [
            *([straight] if straight else []),
            *([mirrored(reflected, width)] if reflected else []),
        ]

    def _look(self, crop: Pixels, before: Landmarks) -> Landmarks | None:
        faces = self._finder.find(FaceImage(crop), Framing.whole(self._size_px, self._size_px))
        found = [face.landmarks for face in faces]
        nearest = min(found, key=lambda it: _gap(it, before), default=None)
        if nearest is None or _gap(nearest, before) > _FARTHEST * self._size_px:
            return None
        return nearest


def _gap(one: Landmarks, other: Landmarks) -> float:
    """Mean distance along the axes, pixels."""
    gaps = [a - b for a, b in zip(one.places, other.places, strict=True)]
    return sum(abs(gap.real) + abs(gap.imag) for gap in gaps) / (2 * len(gaps))
