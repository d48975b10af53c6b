"""Sharpness at a fixed size: how much fine structure there is for the coarse structure there is.

Laplacian, difference from a box blur and Sobel's gradient, as in the sharpness measure of ISO/IEC
29794-5, but as ratios to a coarse gradient, so that contrast and exposure cancel, and the gradient
in the direction where it is weakest, because motion blurs one direction only. The logarithms are
added with weights >= 0 and become 0..1 by a sigmoid: less detail can only lower the result. The
weights and where they come from are in ``sharpness_model.py``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import Pixels
from perse.domain.sharpness_model import OFFSET, WEIGHTS

Field = NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_REACH = 2
_PART_PX = 96
_SMALLEST_PART_PX = 16
_PARTS_JUDGED = 2
_TELLING_SHARE = 0.3
# Grey levels per coarse pixel: below this a region has no structure that could be sharp.
_LEAST_COARSE_GRADIENT = 0.25
_LEAST_RATIO = 1e-4
_FLOOR = np.eye(2) * _LEAST_COARSE_GRADIENT**2 / 16


def luma(pixels: Pixels) -> Field:
    """Grey values 0..255 as encoded, not linear: height x width."""
    return np.asarray(pixels @ _LUMA, np.float32)


def sharpness(grey: Field, region: Field) -> float:
    """0..1, higher is better, of ``grey`` where ``region`` (height x width, 0 or 1) is 1.

    Both sides are multiples of 4. A region without any structure scores 0.
    """
    features = detail_features(grey, region)
    if features is None:
        return 0.0
    return 1 / (1 + math.exp(-(float(features @ np.array(WEIGHTS)) + OFFSET)))


def sharpness_of_parts(grey: Field) -> float:
    """0..1 for a whole picture: that of the sharpest of its parts that have structure.

    So a portrait before a blurred background is sharp, and a blurred one before a sharp
    background too: the face has its own measure.
    """
    parts = _parts(grey)
    structure = np.array([float(_quartered(part).std()) for part in parts])
    detail = np.array([_finest_step(part) for part in parts])
    telling = structure >= _TELLING_SHARE * structure.max()
    promise = np.where(telling, detail / np.maximum(structure, 1e-6), -1.0)
    judged = np.argsort(-promise, kind="stable")[:_PARTS_JUDGED]
    return max(sharpness(parts[index], np.ones_like(parts[index])) for index in judged)


def _parts(grey: Field) -> list[Field]:
    """Tiles of about ``_PART_PX``, their sides multiples of 4; a small picture is padded."""
    missing = [max(0, _SMALLEST_PART_PX - side) for side in grey.shape]
    if any(missing):
        grey = np.pad(grey, [(0, missing[0]), (0, missing[1])], mode="edge")
    height, width = (_part_side(side) for side in grey.shape)
    return [
        grey[top : top + height, left : left + width]
        for top in range(0, grey.shape[0] - height + 1, height)
        for left in range(0, grey.shape[1] - width + 1, width)
    ]


def _part_side(side: int) -> int:
    return side // max(1, round(side / _PART_PX)) // 4 * 4


def _finest_step(part: Field) -> float:
    down, across = np.abs(part[1:] - part[:-1]), np.abs(part[:, 1:] - part[:, :-1])
    return float(down.mean()) + float(across.mean())


def detail_features(grey: Field, region: Field) -> NDArray[np.float64] | None:
    """Four logarithms, or None for a region without structure.

    Mean Laplacian, mean difference from a 5 x 5 box blur, and gradient in the direction where it
    is weakest, over the coarse gradient (at a quarter of the size); and the gradient over the
    coarse one of the same direction, where that ratio is smallest.
    """
    coarse = _gradient_moments(_quartered(grey), _quartered(region))
    scale = math.sqrt(coarse[0, 0] + coarse[1, 1])
    if scale < _LEAST_COARSE_GRADIENT:
        return None
    fine = _gradient_moments(grey, region)
    inner = region[_REACH:-_REACH, _REACH:-_REACH]
    area = max(float(inner.sum()), 1.0)
    ratios = (
        float(np.vdot(_laplacian(grey), inner)) / area / scale,
        float(np.vdot(_box_difference(grey), inner)) / area / scale,
        math.sqrt(_smaller_root(fine)) / scale,
        math.sqrt(_smaller_root(np.asarray(np.linalg.solve(coarse + _FLOOR, fine), np.float64))),
    )
    return np.log(np.maximum(ratios, _LEAST_RATIO))


def _smaller_root(matrix: NDArray[np.float64]) -> float:
    """The smaller eigenvalue of a 2 x 2 matrix whose eigenvalues are real and >= 0."""
    half = float(np.trace(matrix)) / 2
    determinant = float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])
    return max(half - math.sqrt(max(half * half - determinant, 0.0)), 0.0)


def _gradient_moments(grey: Field, region: Field) -> NDArray[np.float64]:
    """Mean of g g^T over the region, g = Sobel's gradient in grey levels per pixel: 2 x 2."""
    down, across = grey[2:] - grey[:-2], grey[:, 2:] - grey[:, :-2]
    weight = region[1:-1, 1:-1]
    x = (across[:-2] + across[2:] + 2 * across[1:-1]) * weight
    y = (down[:, :-2] + down[:, 2:] + 2 * down[:, 1:-1]) * weight
    sums = [[np.vdot(x, x), np.vdot(x, y)], [np.vdot(y, x), np.vdot(y, y)]]
    gain = 64 * max(float(weight.sum()), 1.0)
    return np.array(sums, np.float64) / gain


def _quartered(field: Field) -> Field:
    rows = field[::4] + field[1::4] + field[2::4] + field[3::4]
    total = rows[:, ::4] + rows[:, 1::4] + rows[:, 2::4] + rows[:, 3::4]
    return np.asarray(total * np.float32(1 / 16))


def _laplacian(grey: Field) -> Field:
    """|4 centre - the four neighbours|, all ``_REACH`` pixels away."""
    reach, both = _REACH, 2 * _REACH
    across = grey[reach:-reach, :-both] + grey[reach:-reach, both:]
    down = grey[:-both, reach:-reach] + grey[both:, reach:-reach]
    return np.abs(across + down - 4 * grey[reach:-reach, reach:-reach])


def _box_difference(grey: Field) -> Field:
    side = 2 * _REACH + 1
    blurred = _sliding_sum(_sliding_sum(grey, side).T, side).T / np.float32(side * side)
    return np.abs(grey[_REACH:-_REACH, _REACH:-_REACH] - blurred)


def _sliding_sum(grey: Field, side: int) -> Field:
    rows = grey.shape[0] - side + 1
    total = grey[:rows].copy()
    for start in range(1, side):
        total += grey[start : start + rows]
    return total
