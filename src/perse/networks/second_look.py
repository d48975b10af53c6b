"""A second look at a detection, from close by and from each side up.

The detector sees the place at several sizes and each time in the mirror as well: what it takes for
a face at one size only is none. The pack's landmarker, where there is one, adds what it thinks.
docs/detection.md says how often that is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from perse.domain.alignment import SimilarityTransform
from perse.domain.face_confirmation import CloseLook
from perse.domain.geometry import Box, DetectedFace, Framing, Landmarks
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.cutting import cut_chip
from perse.imaging.mirroring import mirror_image

# Side of a chip in pixels, a multiple of 32; of each view in the box's longer sides.
_CHIP_PX: Final = 160
_SIDES: Final = (1.7, 1.4, 2.2)
# How far from the middle of the chip a face may lie, and how long it must be, in chip sides.
_FARTHEST: Final = 0.2
_SHORTEST: Final = 0.3


class _Finder(Protocol):
    def find(self, image: FaceImage, framing: Framing) -> Sequence[DetectedFace]: ...


class _FaceFlag(Protocol):
    def log_odds(self, image: FaceImage, face: DetectedFace) -> float: ...


class CloseLooks:
    """Looks at places with ``finder``, a detector with a low threshold, and ``flag``.

    Satisfies SecondLook.
    """

    def __init__(self, finder: _Finder, flag: _FaceFlag | None) -> None:
        self._finder = finder
        self._flag = flag

    def look(self, image: FaceImage, box: Box, quarter_turns: int) -> CloseLook:
        """What is seen in ``box``, turned back by ``quarter_turns``. Raises NetworkUnusable."""
        views = [self._view(image, _way(box, quarter_turns, sides)) for sides in _SIDES]
        seen = next((face for face, _ in views if face), None)
        odds = self._flag.log_odds(image, seen) if self._flag and seen else None
        return CloseLook(float(np.mean([score for _, score in views])), odds)

    def _view(
        self, image: FaceImage, way: SimilarityTransform
    ) -> tuple[DetectedFace | None, float]:
        """The face on one chip, in the picture, and the mean score of the chip and its mirror
        image."""
        chip = cut_chip(image, way, _CHIP_PX)
        straight = self._central(chip)
        mirrored = self._central(mirror_image(chip))
        score = sum(face.score for face in (straight, mirrored) if face) / 2
        return _moved(straight, way) if straight else None, score

    def _central(self, chip: Pixels) -> DetectedFace | None:
        """The surest face in the middle of the chip."""
        faces = self._finder.find(FaceImage(chip), Framing.whole(_CHIP_PX, _CHIP_PX))
        return next((face for face in faces if _is_central(face)), None)


def _is_central(face: DetectedFace) -> bool:
    off = max(abs(middle - _CHIP_PX / 2) for middle in face.box.centre)
    return off < _FARTHEST * _CHIP_PX and face.box.longer_side > _SHORTEST * _CHIP_PX


def _way(box: Box, quarter_turns: int, sides: float) -> SimilarityTransform:
    """From the picture to a chip with the box's middle in its middle, turned back."""
    scale = _CHIP_PX / (box.longer_side * sides)
    return SimilarityTransform.onto_square(
        box.centre, scale=scale, turned_degrees=90 * quarter_turns, size_px=_CHIP_PX
    )


def _moved(face: DetectedFace, way: SimilarityTransform) -> DetectedFace:
    """A face of the chip in the picture."""
    back, box = way.inverse(), face.box
    corners = back.apply([(box.left, box.top), (box.right, box.bottom)])
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    points = np.asarray(back.apply(face.landmarks.points), np.float32)
    return DetectedFace(Box(left, top, right - left, bottom - top), Landmarks(points), face.score)
