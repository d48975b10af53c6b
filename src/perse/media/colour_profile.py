"""Colours of an embedded ICC profile become sRGB.

Most pictures with a profile of their own come from phones (Display P3) and use the simple
three-component matrix model of ICC.1 (annex F.3): curve, matrix, curve. That one is done here in
tables, five times faster than by the colour management module and without holding the
interpreter. Everything else goes through LittleCMS. A profile that cannot be used is ignored:
its picture is then read as sRGB, like one without a profile.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from perse.domain.samples import Pixels
from perse.imaging.room import room_for
from perse.media.raster import Raster, strips

Curve = NDArray[np.float64]

# Columns: sRGB's red, green and blue as XYZ adapted to D50 (ICC's own sRGB profile).
_SRGB_TO_XYZ = np.array(
    [[0.4360, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]]
)
_FULL = 65535
_TAGS = ("rTRC", "gTRC", "bTRC", "rXYZ", "gXYZ", "bXYZ")
# Parameters g, a, b, c, d, e, f by function type of a parametricCurveType (ICC.1, 10.18).
_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}


def _srgb_encoding() -> NDArray[np.uint8]:
    linear = np.arange(_FULL + 1) / _FULL
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255).astype(np.uint8)


_ENCODING = _srgb_encoding()


@dataclass(frozen=True, slots=True, eq=False)
class MatrixProfile:
    """``curves``: 3 x 256, linear light 0..1 per 8-bit value; ``to_srgb``: 3 x 3, linear light."""

    curves: Curve
    to_srgb: NDArray[np.float64]

    @property
    def is_srgb(self) -> bool:
        """Whether applying it would change no value by more than rounding."""
        greys = _ENCODING[np.round(self.curves * _FULL).astype(int)].astype(int)
        moved = int(np.abs(greys - np.arange(256)).max())
        return moved <= 1 and float(np.abs(self.to_srgb - np.eye(3)).max()) < 0.005

    def apply(self, pixels: Pixels) -> Pixels:
        table = np.round(self.curves.T * _FULL).astype(np.uint16)[np.newaxis]
        result = room_for(*pixels.shape)
        for rows in strips(*pixels.shape[:2]):
            linear = cv2.transform(cv2.LUT(pixels[rows], table), self.to_srgb)
            result[rows] = cv2.LUT(linear, _ENCODING[np.newaxis])
        return result


def to_srgb(raster: Raster, profile: bytes | None) -> Pixels:
    """RGB uint8, height x width x 3. ``profile`` None converts by the plain formula."""
    matrix = read_matrix_profile(profile) if profile and raster.channels == "RGB" else None
    if matrix is not None:
        return raster.pixels if matrix.is_srgb else matrix.apply(raster.pixels)
    try:
        transform = _transform(profile, raster.channels) if profile else None
    except (OSError, ImageCms.PyCMSError):
        transform = None
    return _by_module(raster, transform)


def read_matrix_profile(profile: bytes) -> MatrixProfile | None:
    """None unless it is a well-formed matrix profile for RGB without look-up tables."""
    try:
        tags = _tags(profile)
        if profile[16:24] != b"RGB XYZ " or "A2B0" in tags:
            return None
        curves = np.stack([_curve(tags[name]) for name in _TAGS[:3]])
        columns = np.stack([_xyz(tags[name]) for name in _TAGS[3:]], axis=1)
    except (KeyError, ValueError, struct.error):
        return None
    matrix = np.linalg.inv(_SRGB_TO_XYZ) @ columns
    if not (np.isfinite(curves).all() and np.isfinite(matrix).all()):
        return None
    # White must stay white, or the profile is not what it claims to be.
    if np.abs(matrix.sum(axis=1) - 1).max() > 0.05:
        return None
    return MatrixProfile(np.clip(curves, 0, 1), matrix)


def _tags(profile: bytes) -> dict[str, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = (struct.unpack_from(">4sII", profile, 132 + 12 * n) for n in range(min(count, 100)))
    return {name.decode("latin-1"): profile[at : at + size] for name, at, size in entries}


def _xyz(tag: bytes) -> NDArray[np.float64]:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> Curve:
    """256 values of a ``curv`` or ``para`` tag. Raises ValueError or struct.error for others."""
    inputs = np.linspace(0, 1, 256)
    if tag[:4] == b"para":
        return _parametric(tag, inputs)
    if tag[:4] != b"curv":
        raise ValueError("no curve")
    (count,) = struct.unpack_from(">I", tag, 8)
    points = np.frombuffer(tag, ">u2", count, 12)
    if count == 0:
        return inputs
    if count == 1:
        return np.asarray(inputs ** (float(points[0]) / 256))
    return np.interp(inputs, np.linspace(0, 1, count), points / _FULL)


def _parametric(tag: bytes, x: Curve) -> Curve:
    (kind,) = struct.unpack_from(">H", tag, 8)
    if kind not in _PARAMETERS:
        raise ValueError("unknown curve")
    given = np.array(struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)) / 65536
    g, a, b, c, d, e, f = np.append(given, np.zeros(7 - len(given)))
    if kind == 0:
        return np.asarray(x**g)
    if kind in (1, 2):
        # Below -b/a the curve is flat at c (0 for type 1), whose slot is the fourth.
        return np.asarray(np.maximum(a * x + b, 0) ** g + c)
    return np.asarray(np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f))


def _transform(profile: bytes, channels: str) -> ImageCms.ImageCmsTransform:
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.buildTransform(
        source, ImageCms.createProfile("sRGB"), channels, "RGB", renderingIntent=intent
    )


def _by_module(raster: Raster, transform: ImageCms.ImageCmsTransform | None) -> Pixels:
    """In strips, because the module does not let other threads run while it works."""
    height, width = raster.pixels.shape[:2]
    result = room_for(height, width, 3)
    for rows in strips(height, width):
        strip = Image.fromarray(np.ascontiguousarray(raster.pixels[rows]), raster.channels)
        changed = ImageCms.applyTransform(strip, transform) if transform else strip.convert("RGB")
        result[rows] = np.asarray(changed)
    return result
