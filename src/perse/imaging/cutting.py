"""Cutting a level, fixed-size square out of a picture."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.alignment import SimilarityTransform
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.halves import seen_at
from perse.imaging.shrinking import halved

_MARGIN_PX = 2


class Border(Enum):
    """What a chip shows beyond the picture."""

    BLACK = cv2.BORDER_CONSTANT
    REPEATED = cv2.BORDER_REPLICATE


def cut_chip(
    image: FaceImage,
    to_chip: SimilarityTransform,
    size_px: int,
    *,
    border: Border = Border.BLACK,
) -> Pixels:
    """The square of ``size_px`` that ``to_chip`` maps the picture onto.

    A part shown at half its size or less is halved by averaging first, so that the chip has no
    aliasing and costs the same whatever the size of the face.
    """
    pixels, times = seen_at(image, to_chip.scale)
    to_chip = to_chip.from_halved(times)
    matrix = to_chip.matrix
    left, top, right, bottom = _shown(to_chip, size_px, pixels.shape)
    part = pixels[top:bottom, left:right]
    shift = matrix[:, :2] @ (left, top) + matrix[:, 2]
    part, turn, shift = _halved_with(part, matrix[:, :2], shift)
    chip = cv2.warpAffine(
        part,
        np.column_stack((turn, shift)),
        (size_px, size_px),
        flags=cv2.INTER_LINEAR,
        borderMode=border.value,
    )
    return np.asarray(chip, np.uint8)


def _halved_with(
    part: Pixels, turn: NDArray[np.float64], shift: NDArray[np.float64]
) -> tuple[Pixels, NDArray[np.float64], NDArray[np.float64]]:
    """``part`` halved until it is shown at more than half its size, and its transform."""
    while np.hypot(turn[0, 0], turn[1, 0]) <= 0.5 and min(part.shape[:2]) >= 2:
        part = halved(part)
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
