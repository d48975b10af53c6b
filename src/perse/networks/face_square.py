"""The square around a face that attack detectors look at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import Box
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.halves import seen_at
from perse.imaging.shrinking import shrink_smoothly


def face_square(image: FaceImage, box: Box, *, scale: float, size_px: int) -> Pixels:
    """``size_px`` x ``size_px`` RGB: ``scale`` times the longer side of ``box``, same centre.

    What lies beyond the picture is its mirror image (the border row itself is not repeated).
    """
    pixels, times = seen_at(image, size_px / (box.longer_side * scale))
    side = max(2, round(box.longer_side * scale / 2**times))
    left, top = (round(middle / 2**times - side / 2) for middle in box.centre)
    height, width = pixels.shape[:2]
    above, below = max(0, -top), max(0, top + side - height)
    before, behind = max(0, -left), max(0, left + side - width)
    seen = pixels[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    if above or below or before or behind:
        border = cv2.BORDER_REFLECT_101
        seen = np.asarray(cv2.copyMakeBorder(seen, above, below, before, behind, border), np.uint8)
    return shrink_smoothly(seen, (size_px, size_px))


def unit_planes(square: Pixels) -> NDArray[np.float32]:
    """1 x 3 x H x W, RGB 0..1."""
    planes = np.ascontiguousarray(square.transpose(2, 0, 1)[None], np.float32)
    planes /= 255
    return planes
