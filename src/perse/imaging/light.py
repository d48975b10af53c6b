"""How light each pixel is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.light import linear
from perse.domain.samples import Pixels

Field = NDArray[np.float32]

# What each value of each channel adds to the luminance (IEC 61966-2-1).
_SHARES = 255 * linear(np.arange(256) / 255)[:, np.newaxis] * (0.2126, 0.7152, 0.0722)
_BY_VALUE = _SHARES.astype(np.float32)[np.newaxis]
_SUM_ROUNDED = np.array([[1, 1, 1, 0.5]], np.float32)


def luminance(pixels: Pixels) -> Pixels:
    """Y of each pixel, uint8 0..255 of linear light (of sRGB grey: 88 is 25, 252 is 248)."""
    light = cv2.transform(cv2.LUT(pixels, _BY_VALUE), _SUM_ROUNDED)
    return np.asarray(light, np.uint8)


def luma(pixels: Pixels) -> Field:
    """Grey values 0..255 as encoded, not linear: height x width."""
    grey = cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.float32)


def mean_colour(pixels: Pixels) -> NDArray[np.float64]:
    """Red, green and blue, 0..255."""
    return np.array(cv2.mean(np.ascontiguousarray(pixels))[:3])
