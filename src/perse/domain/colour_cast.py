"""How far colours are from natural, in CIELAB under D50. 0 is natural, 100 is as wrong as can be.

The rule for cheeks is that of ISO/IEC 29794-5 ("natural colour"): a* between 5 and 25, b* between
5 and 35. Skin of every tone lies there in neutral light.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from perse.domain.light import lab_d50
from perse.domain.sigmoid import component, sigmoid

Colour = NDArray[np.float64]

UNNATURAL = 100.0
# Chroma of a whole picture's mean colour up to which nothing is wrong: above that of 99 % of 769
# press photographs (35), near that of a face in warm light filling the frame; measured 2026-11-23.
_PICTURE_CHROMA = 40.0


def skin_cast(a: float, b: float) -> float:
    """Distance of (a*, b*) from natural skin; greenish or bluish skin is ``UNNATURAL``."""
    if a < 0 or b < 0:
        return UNNATURAL
    return math.hypot(max(0.0, 5 - a, a - 25), max(0.0, 5 - b, b - 35))


def colour_component(cast: float) -> int:
    """100 for natural colour, falling with the cast; about half at 11."""
    return component(200 * (1 - sigmoid(cast, 0, 10)))


def cheek_cast(colour: Colour) -> float:
    """Of the mean colour of both cheeks, RGB 0..255."""
    # Rounded, lest the last bit of a neutral grey decides that it is greenish.
    _, a, b = lab_d50(colour)
    return skin_cast(round(a, 2), round(b, 2))


def picture_cast(colour: Colour) -> float:
    """Of a whole picture: how much its mean colour (RGB 0..255) exceeds the chroma of ordinary
    pictures.

    The standard has no such measure; a room may have any colour, so only much of it counts.
    """
    _, a, b = lab_d50(colour)
    return max(0.0, math.hypot(a, b) - _PICTURE_CHROMA)
