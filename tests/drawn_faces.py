"""What looks like a face and is none."""

from __future__ import annotations

import cv2
import numpy as np

from perse.domain.samples import Pixels


def smiley() -> Pixels:
    """A disc with two dots and a mouth, which YuNet takes for a face at a glance."""
    pixels = np.full((400, 400, 3), 200, np.uint8)
    cv2.ellipse(pixels, (200, 200), (95, 120), 0, 0, 360, (224, 180, 150), -1)
    for x in (160, 240):
        cv2.circle(pixels, (x, 175), 8, (20, 20, 20), -1)
    cv2.ellipse(pixels, (200, 255), (38, 14), 0, 0, 180, (20, 20, 20), 4)
    return pixels
