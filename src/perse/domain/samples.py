"""Captured samples: the only things the pipelines look at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import NewType

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter

Pixels = NDArray[np.uint8]
ModelName = NewType("ModelName", str)


class FaceImage:
    """An upright picture, never changed. All geometry is in its pixels.

    ``grey`` says that the source had no colour. ``halves``: the picture halved that many times, as
    far as it is kept (``imaging/halves.py``). ``reduced``: how many times it was halved when it was
    read; 0 for most. Any number of threads may look at it.
    """

    __slots__ = (
        "_in_full",
        "_pixels",
        "_reading",
        "grey",
        "halves",
        "height_px",
        "reduced",
        "width_px",
    )

    def __init__(self, pixels: Pixels, grey: bool = False) -> None:
        """``pixels``: uint8, height x width x 3, RGB. Raises InvalidParameter for other arrays."""
        self._pixels: Pixels | None = _checked(pixels)
        self._in_full: Callable[[], Pixels] = lambda: pixels
        self._reading = threading.Lock()
        self.grey = grey
        self.halves: dict[int, Pixels] = {}
        self.reduced = 0
        self.height_px, self.width_px = pixels.shape[:2]

    @classmethod
    def read_at_less(
        cls, pixels: Pixels, times: int, in_full: Callable[[], Pixels], *, grey: bool
    ) -> FaceImage:
        """A large picture of which, until somebody needs more, only ``pixels`` are there: those of
        the picture that ``in_full`` reads, halved ``times`` times without a remainder."""
        image = cls(pixels, grey)
        image._pixels, image._in_full = None, in_full
        image.halves[times], image.reduced = pixels, times
        image.height_px, image.width_px = (side << times for side in pixels.shape[:2])
        return image

    @property
    def pixels(self) -> Pixels:
        """Uint8, height x width x 3, RGB. Raises what reading the whole picture raises."""
        with self._reading:
            if self._pixels is None:
                self._pixels = _checked(self._in_full())
            return self._pixels

    def __repr__(self) -> str:
        return f"FaceImage({self.width_px}x{self.height_px})"


def _checked(pixels: Pixels) -> Pixels:
    shape = pixels.shape
    if pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise InvalidParameter(
            "a picture must be a non-empty uint8 array of height x width x 3 (RGB)"
        )
    return pixels


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
