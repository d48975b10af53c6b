"""What a file format's reader hands on: facts before decoding, pixels after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import Pixels

Channels = Literal["L", "RGB", "RGBA", "CMYK"]


@dataclass(frozen=True, slots=True)
class Header:
    """Read before anything is decoded.

    ``orientation``: EXIF's, 1..8. ``profile``: the embedded ICC profile. ``scans``: how often the
    decoder must go over all pixels, 1 unless the format allows more.
    """

    width_px: int
    height_px: int
    orientation: int = 1
    profile: bytes | None = None
    scans: int = 1

    @property
    def pixels(self) -> int:
        return self.width_px * self.height_px


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Pixels as stored in the file: uint8, height x width for L, else height x width x channels.

    CMYK counts ink: 0 is none.
    """

    pixels: NDArray[np.uint8]
    channels: Channels

    @property
    def grey(self) -> bool:
        return self.channels == "L"


def over_white(rgba: NDArray[np.uint8]) -> Pixels:
    """Lay a picture with alpha on white, as a page does where it is shown."""
    alpha = cv2.cvtColor(rgba[:, :, 3], cv2.COLOR_GRAY2RGB)
    if int(alpha.min()) == 255:
        return np.ascontiguousarray(rgba[:, :, :3])
    shade = cv2.subtract(np.full_like(alpha, 255), rgba[:, :, :3])
    faded = cv2.multiply(shade, alpha, scale=1 / 255)
    return np.asarray(cv2.bitwise_not(faded), np.uint8)


def without_colour(pixels: Pixels) -> bool:
    """Whether the three channels of a colour picture are one and the same everywhere."""
    return _equal_channels(pixels[::16, ::16]) and _equal_channels(pixels)


def _equal_channels(pixels: Pixels) -> bool:
    red, green, blue = pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2]
    return np.array_equal(red, green) and np.array_equal(green, blue)
