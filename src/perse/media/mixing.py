"""Any number of channels become one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FULL_SCALE = 0.98
_CANCELLED = 0.1
_AUDIBLE_POWER = 1e-8


class Mixer:
    """Mixes one recording, block by block, and remembers how loud and how clipped it was.

    ``only``: take this channel; None takes the average of all. ``frames``: mixed so far.
    """

    def __init__(self, channels: int, *, only: int | None = None) -> None:
        self._only = only
        self._energy = np.zeros(channels)
        self._mixed_energy = 0.0
        self._clipped = np.zeros(channels)
        self.frames = 0

    def mix(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Frames x channels -> frames; finite, within -1..1."""
        clean = np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        clean = np.clip(clean, -1.0, 1.0, out=clean)
        mixed = self._mixed(clean)
        self.frames += len(clean)
        self._clipped += (np.abs(clean) >= _FULL_SCALE).sum(axis=0)
        if clean.shape[1] > 1:
            self._energy += np.einsum("fc,fc->c", clean, clean, dtype=np.float64)
            self._mixed_energy += float(np.dot(mixed, mixed))
        return mixed

    def _mixed(self, clean: NDArray[np.float32]) -> NDArray[np.float32]:
        if clean.shape[1] == 1:
            return np.ascontiguousarray(clean[:, 0])
        if self._only is not None:
            return np.ascontiguousarray(clean[:, self._only])
        return np.asarray(clean.mean(axis=1, dtype=np.float32))

    @property
    def loudest(self) -> int:
        return int(np.argmax(self._energy))

    @property
    def cancelled(self) -> bool:
        """Whether the average lost more than 10 dB against an audible loudest channel."""
        loudest = float(self._energy.max())
        audible = loudest > _AUDIBLE_POWER * self.frames
        return audible and self._mixed_energy < _CANCELLED * loudest

    @property
    def clipped_share(self) -> float:
        """Share of the samples at full scale in the worst channel, 0..1."""
        return float(self._clipped.max()) / self.frames if self.frames else 0.0
