"""Laying a part of a picture on a detector's canvas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import Framing
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.halves import shrink_picture
from perse.imaging.shrinking import shrink_smoothly

_STRIDE_PX = 32


def lay_out(image: FaceImage, framing: Framing, *, bgr: bool) -> NDArray[np.float32]:
    """1 x 3 x H x W, float32 0..255, H and W rounded up to multiples of 32, margins black.

    ``bgr`` says in which order the network wants its planes.
    """
    canvas_width, canvas_height = framing.canvas_size_px
    tensor = np.zeros((1, 3, _rounded_up(canvas_height), _rounded_up(canvas_width)), np.float32)
    left, top = max(framing.left, 0), max(framing.top, 0)
    right, bottom = min(framing.right, image.width_px), min(framing.bottom, image.height_px)
    x_scale = canvas_width / (framing.right - framing.left)
    y_scale = canvas_height / (framing.bottom - framing.top)
    x0, x1 = (round((x - framing.left) * x_scale) for x in (left, right))
    y0, y1 = (round((y - framing.top) * y_scale) for y in (top, bottom))
    if x1 <= x0 or y1 <= y0:
        return tensor
    seen = _shrunk(image, (left, top, right, bottom), (x1 - x0, y1 - y0))
    planes = tensor[0, ::-1] if bgr else tensor[0]
    planes[:, y0:y1, x0:x1] = seen.transpose(2, 0, 1)
    return tensor


def _shrunk(image: FaceImage, part: tuple[int, int, int, int], size_px: tuple[int, int]) -> Pixels:
    """``part``: left, top, right, bottom."""
    left, top, right, bottom = part
    if part == (0, 0, image.width_px, image.height_px):
        return shrink_picture(image, size_px)
    return shrink_smoothly(image.pixels[top:bottom, left:right], size_px)


def _rounded_up(length_px: int) -> int:
    return -(-length_px // _STRIDE_PX) * _STRIDE_PX
