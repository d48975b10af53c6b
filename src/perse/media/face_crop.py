"""Cut a face out of a picture at a fixed size, level and centred, without aliasing."""

from __future__ import annotations

import numpy as np

from perse.domain.alignment import SimilarityTransform
from perse.domain.geometry import Landmarks
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.cutting import Border, cut_chip
from perse.imaging.halves import shrink_picture

# Median place of YuNet's five points (right eye, left eye, nose, mouth right, mouth left) over 1549
# press portraits, relative to the eyes, made symmetric; measured 2026-11-23. The square's side is
# 2.75 eye distances, so that forehead and chin are inside.
CANON = np.array(
    [[0.318, 0.38], [0.682, 0.38], [0.5, 0.6], [0.339, 0.76], [0.661, 0.76]], np.float32
)


def crop_face(image: FaceImage, landmarks: Landmarks, size_px: int) -> Pixels:
    """The face as a square of ``size_px``, turned upright and scaled so that its five points lie
    as near as possible to ``CANON``. What lies outside the picture repeats its border.
    """
    to_crop = SimilarityTransform.fit(landmarks.points, CANON * size_px)
    return cut_chip(image, to_crop, size_px, border=Border.REPEATED)


def resize_image(image: FaceImage, longer_side_px: int) -> Pixels:
    """The picture shrunk to ``longer_side_px``; a smaller one stays as it is."""
    width, height = image.width_px, image.height_px
    factor = longer_side_px / max(height, width)
    if factor >= 1:
        return image.pixels
    return shrink_picture(image, (max(1, round(width * factor)), max(1, round(height * factor))))
