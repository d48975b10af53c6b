"""Pictures that no camera took: other sizes, and one face laid over another.

The judges can say of any picture what they think of it; the wider the stream, the better a
student learns what they do and not whom they saw.
"""

from __future__ import annotations

import cv2
import numpy as np
from camera import Generator, Picture
from framing import Sighting
from numpy.typing import NDArray

from perse.domain.geometry import Box

LEAST_CHANGE = 0.03


def resized(sighting: Sighting, rng: Generator, least_px: float, most_px: float) -> Sighting:
    """The longer box side becomes ``least_px`` to ``most_px``; seldom is a picture enlarged."""
    factor = rng.uniform(least_px, most_px) / sighting.box.longer_side
    if factor > 1 and rng.random() < 0.8:
        factor = 1
    if abs(factor - 1) < LEAST_CHANGE:
        return sighting
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    picture = cv2.resize(sighting.picture, None, fx=factor, fy=factor, interpolation=how)
    box = sighting.box
    return Sighting(
        np.asarray(picture, np.uint8),
        Box(box.left * factor, box.top * factor, box.width * factor, box.height * factor),
    )


def pasted(host: Sighting, guest: Sighting, rng: Generator) -> Sighting:
    """An oval or a rectangle around the guest's face over the host's, joined softly."""
    scale = host.box.longer_side / guest.box.longer_side * rng.uniform(0.85, 1.2)
    laid = _laid(host, guest, scale, np.deg2rad(rng.normal(0, 5)))
    width, height = guest.box.width * scale, guest.box.height * scale
    x, y = host.box.centre
    mask = _mask(host.picture, (x, y), (width, height), rng)
    mixed = laid * mask + host.picture * (1 - mask)
    return Sighting(mixed.astype(np.uint8), Box(x - width / 2, y - height / 2, width, height))


def _laid(host: Sighting, guest: Sighting, scale: float, angle: float) -> Picture:
    """The guest's picture turned and scaled, its face on the host's, borders mirrored."""
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    (gx, gy), (hx, hy) = guest.box.centre, host.box.centre
    turn = np.array([[c, -s, hx - c * gx + s * gy], [s, c, hy - s * gx - c * gy]], np.float32)
    height, width = host.picture.shape[:2]
    how = cv2.INTER_LINEAR if scale > 0.6 else cv2.INTER_AREA
    border = cv2.BORDER_REFLECT_101
    laid = cv2.warpAffine(guest.picture, turn, (width, height), borderMode=border, flags=how)
    return np.asarray(laid, np.uint8)


def _mask(
    picture: Picture, centre: tuple[float, float], size: tuple[float, float], rng: Generator
) -> NDArray[np.float32]:
    (x, y), (width, height) = centre, size
    mask, reach = np.zeros(picture.shape[:2], np.float32), rng.uniform(0.55, 1.0)
    if rng.random() < 0.5:
        axes = (max(2, round(width * reach)), max(2, round(height * reach)))
        cv2.ellipse(mask, (round(x), round(y)), axes, 0, 0, 360, 1.0, -1)
    else:
        low = (round(x - width * reach), round(y - height * reach))
        high = (round(x + width * reach), round(y + height * reach))
        cv2.rectangle(mask, low, high, 1.0, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.6, width * rng.uniform(0.01, 0.08)))
    return np.asarray(soft, np.float32)[..., None]
