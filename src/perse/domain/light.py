"""Linear light and colour of sRGB pixels (IEC 61966-2-1, CIE 15)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# sRGB's primaries as XYZ adapted to the white D50 (Bradford), as in ICC's own sRGB profile.
_TO_XYZ_D50 = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
_WHITE_D50 = _TO_XYZ_D50.sum(axis=1)
_CUBE_LIMIT = (6 / 29) ** 3


def linear(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB 0..1 to linear light 0..1."""
    return np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)


def lab_d50(colour: NDArray[np.float64]) -> tuple[float, float, float]:
    """CIELAB (L* 0..100, a*, b*) under D50 of an sRGB colour, 0..255."""
    ratios = _TO_XYZ_D50 @ linear(colour / 255) / _WHITE_D50
    x, y, z = map(_root, ratios.tolist())
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(ratio: float) -> float:
    return math.cbrt(ratio) if ratio > _CUBE_LIMIT else ratio / (3 * (6 / 29) ** 2) + 4 / 29
