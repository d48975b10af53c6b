"""Log mel filter banks of speech, as Kaldi computes them: what a speaker embedder hears.

Povey et al.: The Kaldi Speech Recognition Toolkit (2011), ``compute-fbank-feats`` without dither:
frames of 25 ms every 10 ms that lie wholly inside the recording, each without its mean, with
pre-emphasis and Povey's window, its power spectrum weighed by triangles on the HTK mel scale.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Bands = NDArray[np.float32]

RATE_HZ = 16_000
BANDS = 80
FRAME = 400
STEP = 160

_SPECTRUM = 512
_LOWEST_HZ, _HIGHEST_HZ = 20.0, 8000.0
_PRE_EMPHASIS = 0.97
_POVEY_POWER = 0.85
_SIXTEEN_BITS = 32768.0
_FLOOR = float(np.finfo(np.float32).eps)
_FRAMES_AT_A_TIME = 1024


def log_mel(samples: NDArray[np.float32]) -> Bands:
    """Frames x 80, float32, of mono ``samples`` (full scale -1..1) of 16 kHz.

    No frame at all where there are fewer than 25 ms.
    """
    count = max(0, 1 + (len(samples) - FRAME) // STEP)
    bands = np.empty((count, BANDS), np.float32)
    if count:
        frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::STEP]
        for first in range(0, count, _FRAMES_AT_A_TIME):
            block = slice(first, min(first + _FRAMES_AT_A_TIME, count))
            bands[block] = _log_mel_of(frames[block] * np.float32(_SIXTEEN_BITS))
    return bands


def mean_subtracted(bands: Bands) -> Bands:
    """Each band less its mean over time: what a fixed microphone adds is gone."""
    return np.asarray(bands - bands.mean(axis=0), np.float32)


def _log_mel_of(frames: Bands) -> Bands:
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate((frames[:, :1], frames[:, :-1]), axis=1)
    windowed = (frames - np.float32(_PRE_EMPHASIS) * before) * povey_window()
    spectrum = np.fft.rfft(windowed, _SPECTRUM, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return np.asarray(np.log(np.maximum(power @ mel_weights(), _FLOOR)), np.float32)


@lru_cache(maxsize=1)
def povey_window() -> Bands:
    """Hann's window to the power of 0.85, both ends 0: float32, 400 values, read-only."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
    return _fixed(hann**_POVEY_POWER)


@lru_cache(maxsize=1)
def mel_weights() -> Bands:
    """Triangles of height 1, straight on the mel scale, from 20 to 8000 Hz: float32, spectrum bins
    x 80, read-only."""
    edges = np.linspace(mel_of_hz(_LOWEST_HZ), mel_of_hz(_HIGHEST_HZ), BANDS + 2)
    bins = mel_of_hz(np.fft.rfftfreq(_SPECTRUM, 1 / RATE_HZ))[:, np.newaxis]
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    return _fixed(np.maximum(0.0, np.minimum(rising, falling)))


def mel_of_hz(hz: ArrayLike) -> NDArray[np.float64]:
    """The HTK toolkit's scale."""
    return np.asarray(1127.0 * np.log1p(np.asarray(hz) / 700.0))


def _fixed(values: NDArray[np.float64]) -> Bands:
    fixed = values.astype(np.float32)
    fixed.flags.writeable = False
    return fixed
