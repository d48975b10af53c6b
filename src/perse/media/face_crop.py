"""Cut a face out of a picture at a fixed size, level and centred, without aliasing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import Landmarks
from perse.domain.samples import Pixels

# Median place of YuNet's five points (right eye, left eye, nose, mouth right, mouth left) over 1549
# press portraits, relative to the eyes, made symmetric; measured 2026-11-23. The square's side is
# 2.75 eye distances, so that forehead and chin are inside.
CANON = np.array(
    [[0.318, 0.38], [0.682, 0.38], [0.5, 0.6], [0.339, 0.76], [0.661, 0.76]], np.float32
)

_SMALLEST_SCALE = 0.5
_LEAST_SPREAD = 1e-6


def crop_face(pixels: Pixels, landmarks: Landmarks, size_px: int) -> Pixels:
    """The face as a square of ``size_px``, turned upright and scaled so that its five points lie
    as near as possible to ``CANON``. What lies outside the picture repeats its border.

    A large face is first shrunk by areas, so that the result has no aliasing whatever its size.
    """
    to_crop = similarity(landmarks.points, CANON * size_px)
    scale = float(np.sqrt(abs(np.linalg.det(to_crop[:, :2]))))
    if scale < _SMALLEST_SCALE:
        pixels, to_crop = _shrunk(pixels, to_crop, size_px, scale)
    crop = cv2.warpAffine(
        pixels,
        to_crop,
        (size_px, size_px),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(crop, np.uint8)


def similarity(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """2 x 3 matrix of the least-squares rotation, uniform scale and shift from n points to n
    others (Umeyama 1991 for two dimensions, as complex numbers: target = a * source + b)."""
    start, end = (_complex(points) for points in (source, target))
    centred = start - start.mean()
    spread = float(np.vdot(centred, centred).real)
    # Points that all lie in one place have no size: keep the picture's.
    turn = np.vdot(centred, end) / spread if spread > _LEAST_SPREAD else np.complex128(1)
    shift = end.mean() - turn * start.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _complex(points: NDArray[np.float32]) -> NDArray[np.complex128]:
    return np.asarray(points[:, 0] + 1j * points[:, 1], np.complex128)


def _shrunk(
    pixels: Pixels, to_crop: NDArray[np.float64], size_px: int, scale: float
) -> tuple[Pixels, NDArray[np.float64]]:
    """The part of the picture that the crop shows, shrunk by a whole number, and the matrix from
    there to the crop."""
    factor = int(1 / scale)
    left, top, right, bottom = _shown(to_crop, size_px, pixels.shape)
    width, height = max(1, (right - left) // factor), max(1, (bottom - top) // factor)
    part = pixels[top : top + height * factor, left : left + width * factor]
    small = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    # A small pixel's centre lies (factor - 1) / 2 beyond the first of those it stands for.
    middle = (factor - 1) / 2
    back = np.array([[factor, 0, left + middle], [0, factor, top + middle], [0, 0, 1]])
    return small, to_crop @ back


def _shown(
    to_crop: NDArray[np.float64], size_px: int, shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what the crop shows of a picture of ``shape``, never empty."""
    back = np.linalg.inv(np.vstack((to_crop, (0, 0, 1))))
    corners = np.array([[0, 0, 1], [size_px, 0, 1], [0, size_px, 1], [size_px, size_px, 1]])
    reached = (corners @ back.T)[:, :2]
    height, width = shape[:2]
    left, top = np.clip(np.floor(reached.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(reached.max(axis=0)), (left + 1, top + 1), (width, height))
    return int(left), int(top), int(right), int(bottom)


def resize_image(pixels: Pixels, longer_side_px: int) -> Pixels:
    """The picture shrunk to ``longer_side_px``; a smaller one stays as it is.

    Halved by areas while it is twice too large, which is fast, then linearly for the rest.
    """
    while max(pixels.shape[:2]) >= 2 * longer_side_px and min(pixels.shape[:2]) > 1:
        pixels = _halved(pixels)
    height, width = pixels.shape[:2]
    factor = longer_side_px / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _halved(pixels: Pixels) -> Pixels:
    """Each pixel the mean of four; an odd last row or column is left out."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    even = pixels[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
