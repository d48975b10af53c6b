"""Known losses of detail, applied to a picture. Strengths in units of one eye distance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Loss:
    """``strength``: share of the eye distance (gaussian: deviation, motion: length, resampling:
    size of a coarse pixel); for JPEG 1 - quality / 100."""

    kind: str
    strength: float


GAUSSIAN = (0.007, 0.015, 0.022, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.17)
MOTION = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55)
RESAMPLING = (0.03, 0.045, 0.06, 0.08, 0.1, 0.125, 0.16, 0.2, 0.28)
JPEG = (0.3, 0.5, 0.7, 0.85, 0.92)

ALL = tuple(
    Loss(kind, strength)
    for kind, strengths in (
        ("gaussian", GAUSSIAN),
        ("motion", MOTION),
        ("resampling", RESAMPLING),
        ("jpeg", JPEG),
    )
    for strength in strengths
)


def apply(pixels: Pixels, loss: Loss, eye_distance_px: float, rng: np.random.Generator) -> Pixels:
    return np.asarray(_KINDS[loss.kind](pixels, loss.strength, eye_distance_px, rng), np.uint8)


def _gaussian(pixels: Pixels, strength: float, eyes: float, _rng: np.random.Generator) -> object:
    return cv2.GaussianBlur(pixels, (0, 0), strength * eyes)


def _motion(pixels: Pixels, strength: float, eyes: float, rng: np.random.Generator) -> object:
    """A straight stroke in a random direction, drawn eight times finer than the pixels."""
    length, angle, fine = strength * eyes, rng.uniform(0, np.pi), 8
    radius = int(np.ceil(length / 2)) + 1
    side = 2 * radius + 1
    canvas = np.zeros((side * fine, side * fine), np.uint8)
    middle = side * fine / 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * length * fine / 2
    ends = [tuple(int(v) for v in np.round(middle + sign * reach)) for sign in (-1, 1)]
    cv2.line(canvas, ends[0], ends[1], 255, fine)
    kernel = cv2.resize(canvas.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return cv2.filter2D(pixels, -1, kernel / kernel.sum())


def _resampling(pixels: Pixels, strength: float, eyes: float, _rng: np.random.Generator) -> object:
    height, width = pixels.shape[:2]
    factor = max(1.0, strength * eyes)
    size = (max(8, round(width / factor)), max(8, round(height / factor)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def _jpeg(pixels: Pixels, strength: float, _eyes: float, _rng: np.random.Generator) -> object:
    options = [cv2.IMWRITE_JPEG_QUALITY, round(100 * (1 - strength))]
    _, data = cv2.imencode(".jpg", pixels, options)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


_KINDS: dict[str, Callable[..., object]] = {
    "gaussian": _gaussian,
    "motion": _motion,
    "resampling": _resampling,
    "jpeg": _jpeg,
}
