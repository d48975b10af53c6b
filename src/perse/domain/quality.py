"""Quality of a picture and of a face in it, 29794-5 style.

The measures follow ISO/IEC 29794-5 as its reference implementation OFIQ 1.0.3 computes them, at a
fixed size and over our own face region: no conformance is claimed. Each has a native measure and a
component 0..100 (higher is better). Colour and sharpness: ``colour_cast.py``, ``sharpness.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.colour_cast import cheek_cast, colour_component, picture_cast
from perse.domain.light import luminance
from perse.domain.samples import Pixels
from perse.domain.sharpness import Field, luma, sharpness, sharpness_of_parts
from perse.domain.sigmoid import component, sigmoid

# Faces are judged in a square of this side, the eyes about 35 px apart as embedders see them, so
# that neither cost nor result depends on the size of the picture.
FACE_SIZE_PX = 96
# Pictures are judged shrunk to at most this on the longer side.
IMAGE_SIZE_PX = 256

_DARK, _BRIGHT = 25, 247

Choice = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ImageMetrics:
    """``underexposure``, ``overexposure``: share of pixels; ``colour``: 0..1; lower is better.
    ``sharpness``: 0..1, higher is better.

    ``cast`` is the native measure behind ``colour``: distance from natural colour in CIELAB,
    None (failure to assess) for a picture without colour, whose ``colour`` is 1: it lost it all.
    """

    underexposure: float
    overexposure: float
    sharpness: float
    colour: float
    cast: float | None = None

    @property
    def components(self) -> Mapping[str, int]:
        """0..100 each, higher is better."""
        return {
            "underexposure": underexposure_component(self.underexposure),
            "overexposure": overexposure_component(self.overexposure),
            "sharpness": round(100 * self.sharpness),
            "colour": round(100 * (1 - self.colour)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceMetrics(ImageMetrics):
    """The same of the face region, and ``rotation``: degrees away from the camera, 0 is best."""

    rotation: float


def underexposure_component(share: float) -> int:
    """Stays near 100 up to three quarters: a dark skin well lit has a large dark share."""
    return component(120 * (0.832 - sigmoid(share, 0.92, 0.05)))


def overexposure_component(share: float) -> int:
    """Falls at once: what is burnt out is lost."""
    return component(1 / (share + 0.01))


def pose_component(angle: float) -> int:
    """Of yaw, pitch or roll in degrees."""
    return component(100 * max(0.0, math.cos(math.radians(angle))) ** 2)


def _ellipse(size: int) -> Field:
    """1 from brow to chin and cheek to cheek of a face cropped to ``size``, else 0: no hair and
    no background."""
    y, x = (np.indices((size, size)) + 0.5) / size
    inside = ((x - 0.5) / 0.33) ** 2 + ((y - 0.57) / 0.42) ** 2 <= 1
    return np.asarray(inside, np.float32)


FACE_REGION = _ellipse(FACE_SIZE_PX)
_FACE_AREA = float(FACE_REGION.sum())


def image_metrics(pixels: Pixels, *, grey: bool) -> ImageMetrics:
    """Of the whole picture, given shrunk to at most ``IMAGE_SIZE_PX``; ``grey`` as FaceImage's."""
    light = luminance(pixels)
    cast = None if grey else picture_cast(pixels)
    return ImageMetrics(
        underexposure=_share(light <= _DARK),
        overexposure=_share(light >= _BRIGHT),
        sharpness=sharpness_of_parts(luma(pixels)),
        colour=_colour(cast),
        cast=cast,
    )


def face_metrics(crop: Pixels, *, grey: bool, rotation: float) -> FaceMetrics:
    """Of a face cropped to ``FACE_SIZE_PX`` squared. ``rotation``: degrees off the camera."""
    light = luminance(crop)
    cast = None if grey else cheek_cast(crop)
    return FaceMetrics(
        underexposure=_share_of_face(light <= _DARK),
        overexposure=_share_of_face(light >= _BRIGHT),
        sharpness=sharpness(luma(crop), FACE_REGION),
        colour=_colour(cast),
        cast=cast,
        rotation=rotation,
    )


def _share(chosen: Choice) -> float:
    return int(np.count_nonzero(chosen)) / chosen.size


def _share_of_face(chosen: Choice) -> float:
    return float(np.vdot(chosen, FACE_REGION)) / _FACE_AREA


def _colour(cast: float | None) -> float:
    return 1.0 if cast is None else 1 - colour_component(cast) / 100
