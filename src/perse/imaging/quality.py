"""The quality metrics of pixels; what they mean stands in ``domain/quality.py``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perse.domain.colour_cast import cheek_cast, colour_component, picture_cast
from perse.domain.quality import FACE_SIZE_PX, FaceMetrics, ImageMetrics
from perse.domain.samples import Pixels
from perse.imaging.light import Field, luma, luminance, mean_colour
from perse.imaging.sharpness import sharpness, sharpness_of_parts

_DARK, _BRIGHT = 25, 247
# Centres of the two cheeks and half the side of the squares looked at, as shares of the crop.
_CHEEK_X, _CHEEK_Y, _CHEEK_HALF = (0.31, 0.69), 0.62, 0.065
# A mean needs no more than every fourth row and column.
_STEP = 4

Choice = NDArray[np.bool_]


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
    cast = None if grey else picture_cast(mean_colour(pixels[::_STEP, ::_STEP]))
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
    cast = None if grey else cheek_cast(cheek_colour(crop))
    return FaceMetrics(
        underexposure=_share_of_face(light <= _DARK),
        overexposure=_share_of_face(light >= _BRIGHT),
        sharpness=sharpness(luma(crop), FACE_REGION),
        colour=_colour(cast),
        cast=cast,
        rotation=rotation,
    )


def cheek_colour(crop: Pixels) -> NDArray[np.float64]:
    """The mean colour of both cheeks of a face cropped by its landmarks, RGB 0..255."""
    size = crop.shape[0]
    rows = crop[_span(_CHEEK_Y, size)]
    return mean_colour(np.concatenate([rows[:, _span(x, size)] for x in _CHEEK_X], axis=1))


def _span(centre: float, size: int) -> slice:
    return slice(round((centre - _CHEEK_HALF) * size), round((centre + _CHEEK_HALF) * size))


def _share(chosen: Choice) -> float:
    return int(np.count_nonzero(chosen)) / chosen.size


def _share_of_face(chosen: Choice) -> float:
    return float(np.vdot(chosen, FACE_REGION)) / _FACE_AREA


def _colour(cast: float | None) -> float:
    return 1.0 if cast is None else 1 - colour_component(cast) / 100
