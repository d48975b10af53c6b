"""Making pixels smaller."""

from __future__ import annotations

import cv2
import numpy as np

from perse.domain.samples import Pixels
from perse.imaging.room import room_for


def shrink_smoothly(pixels: Pixels, size_px: tuple[int, int]) -> Pixels:
    """Resize to (width, height) without aliasing: halve by averaging, then go bilinearly.

    Averaging over a fractional area (OpenCV's INTER_AREA) takes twenty times as long.
    """
    for _ in range(halvings((pixels.shape[1], pixels.shape[0]), size_px)):
        pixels = halved(pixels)
    return resized(pixels, size_px)


def halvings(from_px: tuple[int, int], to_px: tuple[int, int]) -> int:
    """How often (width, height) ``from_px`` can be halved without becoming smaller than ``to_px``
    on either side."""
    ratio = min(source // target for source, target in zip(from_px, to_px, strict=True))
    return max(0, ratio.bit_length() - 1)


def halved(pixels: Pixels) -> Pixels:
    """Each pixel the mean of four; an odd last row or column is left out."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    even = pixels[: 2 * height, : 2 * width]
    half = room_for(height, width, *pixels.shape[2:])
    cv2.resize(even, (width, height), dst=half, interpolation=cv2.INTER_AREA)
    return half


def resized(pixels: Pixels, size_px: tuple[int, int]) -> Pixels:
    """Bilinearly, without halving; what has that size already as it is."""
    if pixels.shape[1::-1] == size_px:
        return pixels
    return np.asarray(cv2.resize(pixels, size_px, interpolation=cv2.INTER_LINEAR), np.uint8)
