"""An aligned face as a network takes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import Pixels

Planes = NDArray[np.float32]


def planes_of(chip: Pixels, mean: Sequence[float], std: Sequence[float]) -> Planes:
    """(pixel - mean) / std per channel as 1 x 3 x H x W, channels in the order of ``chip``."""
    planes = _planes(chip)
    planes -= np.array(mean, np.float32)[:, None, None]
    planes /= np.array(std, np.float32)[:, None, None]
    return planes


def unit_planes(chip: Pixels) -> Planes:
    """The same of 0..1."""
    planes = _planes(chip)
    planes /= 255
    return planes


def _planes(chip: Pixels) -> Planes:
    return np.ascontiguousarray(chip.transpose(2, 0, 1)[None], np.float32)
