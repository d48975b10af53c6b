"""What a file format's reader hands on: facts before decoding, pixels after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from perse.domain.samples import Pixels
from perse.imaging.room import room_for

Channels = Literal["L", "RGB", "CMYK"]

# Large pictures are worked on in strips of about so many pixels: what is computed on the way stays
# small, and other threads get their turn.
_STRIP_PIXELS = 1 << 17


@dataclass(frozen=True, slots=True)
class Header:
    """Read before anything is decoded.

    ``orientation``: EXIF's, 1..8. ``profile``: the embedded ICC profile. ``scans``: how often the
    decoder must go over all pixels, 1 unless the format allows more. ``held_bytes``: what decoding
    holds beside the pixels that come out of it. ``halvings``: how often the decoder is to halve the
    picture, which it can without a remainder.
    """

    width_px: int
    height_px: int
    orientation: int = 1
    profile: bytes | None = None
    scans: int = 1
    held_bytes: int = 0
    halvings: int = 0

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


def strips(height: int, width: int) -> Iterator[slice]:
    """Rows from top to bottom, a few at a time."""
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def raster_of(picture: Image.Image) -> Raster:
    """A decoded picture of any mode of Pillow's; where it is transparent it lies on white."""
    if picture.mode == "CMYK":
        return Raster(_copied(picture, "CMYK", 4), "CMYK")
    if picture.mode == "LA" or "transparency" in picture.info or picture.mode == "RGBA":
        return Raster(_copied(picture, "RGBA", 3), "RGB")
    if picture.mode in ("1", "L"):
        return Raster(_copied(picture, "L", 1)[:, :, 0], "L")
    return Raster(_copied(picture, "RGB", 3), "RGB")


def _copied(picture: Image.Image, mode: str, channels: int) -> NDArray[np.uint8]:
    width, height = picture.size
    pixels = room_for(height, width, channels)
    for rows in strips(height, width):
        strip = np.asarray(picture.crop((0, rows.start, width, rows.stop)).convert(mode), np.uint8)
        solid = over_white(strip) if mode == "RGBA" else strip
        pixels[rows] = solid.reshape(-1, width, channels)
    return pixels


def over_white(rgba: NDArray[np.uint8]) -> Pixels:
    """Lay a picture with alpha on white, as a page does where it is shown."""
    solid = np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), np.uint8)
    alpha = rgba[:, :, 3]
    if int(alpha.min()) == 255:
        return solid
    cover = cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB)
    faded = cv2.multiply(cv2.bitwise_not(solid), cover, scale=1 / 255)
    return np.asarray(cv2.bitwise_not(faded), np.uint8)


def without_colour(pixels: Pixels) -> bool:
    """Whether the three channels of a colour picture are one and the same everywhere."""
    parts = (pixels[rows] for rows in strips(*pixels.shape[:2]))
    return _equal_channels(pixels[::64, ::64]) and all(map(_equal_channels, parts))


def _equal_channels(pixels: Pixels) -> bool:
    red, green, blue = pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2]
    return np.array_equal(red, green) and np.array_equal(green, blue)
