"""Captured samples: the only things the pipelines look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NewType

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter

Pixels = NDArray[np.uint8]
ModelName = NewType("ModelName", str)


@dataclass(frozen=True, slots=True, eq=False)
class FaceImage:
    """An upright picture.

    ``pixels``: uint8, height x width x 3, RGB, never changed. ``grey`` says that the source had no
    colour. ``halves``: the picture halved that many times, as far as it is kept
    (``imaging/halves.py``). Raises InvalidParameter for any other array.
    """

    pixels: Pixels
    grey: bool = False
    halves: dict[int, Pixels] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise InvalidParameter(
                "a picture must be a non-empty uint8 array of height x width x 3 (RGB)"
            )

    @property
    def width_px(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.pixels.shape[0])

    def __repr__(self) -> str:
        return f"FaceImage({self.width_px}x{self.height_px})"


@dataclass(frozen=True, slots=True, eq=False)
class VoiceSample:
    """A mono recording.

    ``samples``: float32, one dimension, finite, full scale -1..1. ``rate_hz``: samples per second.
    ``clipped_share``: share of the samples of the source that stood at full scale, 0..1.
    Raises InvalidParameter for any other array.
    """

    samples: NDArray[np.float32]
    rate_hz: int
    clipped_share: float = 0.0

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32 or self.samples.ndim != 1 or self.rate_hz <= 0:
            raise InvalidParameter("a recording must be a mono float32 array with a positive rate")
        if not np.isfinite(self.samples).all():
            raise InvalidParameter("a recording must not hold NaN or infinite samples")
        if not 0 <= self.clipped_share <= 1:
            raise InvalidParameter("the clipped share of a recording lies between 0 and 1")

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz

    def __repr__(self) -> str:
        return f"VoiceSample({self.duration_s:.2f} s at {self.rate_hz} Hz)"
