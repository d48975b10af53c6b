"""Cutting an aligned face out of a picture, and running an embedder on it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.alignment import SimilarityTransform
from perse.domain.samples import Pixels

_MARGIN_PX = 2

Planes = NDArray[np.float32]


def cut_chip(pixels: Pixels, to_chip: SimilarityTransform, size_px: int) -> Pixels:
    """The square of ``size_px`` that ``to_chip`` maps the picture onto; black outside the picture.

    A part shown at half its size or less is halved by averaging first, so that the chip has no
    aliasing and costs the same whatever the size of the face.
    """
    matrix = to_chip.matrix
    left, top, right, bottom = _shown(to_chip, size_px, pixels.shape)
    part = pixels[top:bottom, left:right]
    shift = matrix[:, :2] @ (left, top) + matrix[:, 2]
    part, turn, shift = _halved(part, matrix[:, :2], shift)
    chip = cv2.warpAffine(
        part, np.column_stack((turn, shift)), (size_px, size_px), flags=cv2.INTER_LINEAR
    )
    return np.asarray(chip, np.uint8)


def planes_of(chip: Pixels, mean: Sequence[float], std: Sequence[float]) -> Planes:
    """(pixel - mean) / std per channel as 1 x 3 x H x W, channels in the order of ``chip``."""
    scaled = (chip.astype(np.float32) - np.array(mean, np.float32)) / np.array(std, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def _halved(
    part: Pixels, turn: NDArray[np.float64], shift: NDArray[np.float64]
) -> tuple[Pixels, NDArray[np.float64], NDArray[np.float64]]:
    """``part`` halved until it is shown at more than half its size, and its transform."""
    while np.hypot(turn[0, 0], turn[1, 0]) <= 0.5 and min(part.shape[:2]) >= 2:
        height, width = part.shape[0] // 2, part.shape[1] // 2
        even = part[: 2 * height, : 2 * width]
        part = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        # The centre of a halved pixel lies half a pixel beyond the first of the two it stands for.
        shift = shift + turn @ (0.5, 0.5)
        turn = turn * 2
    return part, turn, shift


def _shown(
    to_chip: SimilarityTransform, size_px: int, shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what the chip shows of a picture of ``shape``; never empty."""
    end = size_px - 1
    corners = to_chip.inverse().apply([(0, 0), (end, 0), (0, end), (end, end)])
    margin = _MARGIN_PX / min(1.0, to_chip.scale)
    height, width = shape[:2]
    left, top = np.clip(np.floor(corners.min(axis=0) - margin), 0, (width - 1, height - 1))
    right, bottom = np.clip(
        np.ceil(corners.max(axis=0) + margin), (left + 1, top + 1), (width, height)
    )
    return int(left), int(top), int(right), int(bottom)
