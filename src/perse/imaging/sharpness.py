"""Sharpness at a fixed size: how much fine structure there is for the coarse structure there is.

Laplacian, difference from a box blur and Sobel's gradient, as in the sharpness measure of ISO/IEC
29794-5, but as ratios to a coarse gradient, so that contrast and exposure cancel, and the gradient
in the direction where it is weakest, because motion blurs one direction only. The logarithms are
added with weights >= 0 and become 0..1 by a sigmoid: less detail can only lower the result. The
weights and where they come from are in ``sharpness_model.py``.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from perse.domain.sharpness_model import OFFSET, WEIGHTS
from perse.imaging.light import Field

_REACH = 2
_BOX_PX = 2 * _REACH + 1
# 4 centre - the four neighbours, all that far away, but for the sign.
_CROSS = np.zeros((_BOX_PX, _BOX_PX), np.float32)
_CROSS[_REACH, [0, -1]] = _CROSS[[0, -1], _REACH] = 1
_CROSS[_REACH, _REACH] = -4
_PART_PX = 96
_SMALLEST_PART_PX = 16
_PARTS_JUDGED = 2
_TELLING_SHARE = 0.3
# Grey levels per coarse pixel: below this a region has no structure that could be sharp.
_LEAST_COARSE_GRADIENT = 0.25
_LEAST_RATIO = 1e-4
_FLOOR = np.eye(2) * _LEAST_COARSE_GRADIENT**2 / 16


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
    structure = np.array([cv2.meanStdDev(_quartered(part))[1].item() for part in parts])
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
    return _mean_gap(part[1:], part[:-1]) + _mean_gap(part[:, 1:], part[:, :-1])


def _mean_gap(one: Field, other: Field) -> float:
    return cv2.norm(one, other, cv2.NORM_L1) / one.size


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
    ratios = (
        _mean_size(cv2.filter2D(grey, cv2.CV_32F, _CROSS), region) / scale,
        _mean_size(cv2.absdiff(grey, cv2.blur(grey, (_BOX_PX, _BOX_PX))), region) / scale,
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
    weight = region[1:-1, 1:-1]
    x = cv2.Sobel(grey, cv2.CV_32F, 1, 0)[1:-1, 1:-1] * weight
    y = cv2.Sobel(grey, cv2.CV_32F, 0, 1)[1:-1, 1:-1] * weight
    both = np.vdot(x, y)
    gain = 64 * max(float(weight.sum()), 1.0)
    return np.array([[np.vdot(x, x), both], [both, np.vdot(y, y)]], np.float64) / gain


def _mean_size(filtered: MatLike, region: Field) -> float:
    """Mean of |filtered| over the region, without what may have looked past the border."""
    inner = slice(_REACH, -_REACH), slice(_REACH, -_REACH)
    area = max(float(region[inner].sum()), 1.0)
    return float(np.vdot(np.abs(filtered[inner]), region[inner])) / area


def _quartered(field: Field) -> Field:
    """The mean of each 4 x 4."""
    size = field.shape[1] // 4, field.shape[0] // 4
    return np.asarray(cv2.resize(field, size, interpolation=cv2.INTER_AREA), np.float32)
