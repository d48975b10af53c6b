"""How far colours are from natural, in CIELAB under D50. 0 is natural, 100 is as wrong as can be.

The rule for cheeks is that of ISO/IEC 29794-5 ("natural colour"): a* between 5 and 25, b* between
5 and 35. Skin of every tone lies there in neutral light.
"""

from __future__ import annotations

import math

import numpy as np

from perse.domain.light import lab_d50
from perse.domain.samples import Pixels
from perse.domain.sigmoid import component, sigmoid

UNNATURAL = 100.0
# Centres of the two cheeks and half the side of the squares looked at, as shares of the crop.
_CHEEK_X, _CHEEK_Y, _CHEEK_HALF = (0.31, 0.69), 0.62, 0.065
# Chroma of a whole picture's mean colour up to which nothing is wrong: above that of 99 % of 769
# press photographs (35), near that of a face in warm light filling the frame; measured 2026-11-23.
_PICTURE_CHROMA = 40.0
# A mean needs no more than every fourth row and column.
_STEP = 4


def skin_cast(a: float, b: float) -> float:
    """Distance of (a*, b*) from natural skin; greenish or bluish skin is ``UNNATURAL``."""
    if a < 0 or b < 0:
        return UNNATURAL
    return math.hypot(max(0.0, 5 - a, a - 25), max(0.0, 5 - b, b - 35))


def colour_component(cast: float) -> int:
    """100 for natural colour, falling with the cast; about half at 11."""
    return component(200 * (1 - sigmoid(cast, 0, 10)))


def cheek_cast(crop: Pixels) -> float:
    """Of the mean colour of both cheeks of a face cropped by its landmarks."""
    size = crop.shape[0]
    rows = _span(_CHEEK_Y, size)
    cheeks = [crop[rows, _span(x, size)].reshape(-1, 3) for x in _CHEEK_X]
    lab = lab_d50(np.concatenate(cheeks).mean(axis=0, dtype=np.float64))
    # Rounded, lest the last bit of a neutral grey decides that it is greenish.
    _, a, b = np.round(lab, 2).tolist()
    return skin_cast(a, b)


def _span(centre: float, size: int) -> slice:
    return slice(round((centre - _CHEEK_HALF) * size), round((centre + _CHEEK_HALF) * size))


def picture_cast(pixels: Pixels) -> float:
    """Of a whole picture: how much its mean colour exceeds the chroma of ordinary pictures.

    The standard has no such measure; a room may have any colour, so only much of it counts.
    """
    sampled = pixels[::_STEP, ::_STEP].reshape(-1, 3)
    _, a, b = lab_d50(sampled.mean(axis=0, dtype=np.float64)).tolist()
    return max(0.0, math.hypot(a, b) - _PICTURE_CHROMA)
