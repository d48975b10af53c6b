"""Mel filter banks of speech: what a speaker embedder hears.

Slaney's mel scale and area-normalised triangles over the power spectrum, after Slaney's Auditory
Toolbox (1998), which is also what librosa calls its default: a periodic Hann window, frames
centred on their time with zeros beyond both ends, no logarithm.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float32]

_FRAMES_AT_A_TIME = 1024
_LINEAR_TO_HZ = 1000.0
_HZ_PER_MEL = 200 / 3
_MEL_AT_1000_HZ = _LINEAR_TO_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27
_SILENCE = 1e-10


def mel_of_hz(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: straight up to 1000 Hz, logarithmic above."""
    above = _MEL_AT_1000_HZ + np.log(np.maximum(hz, _LINEAR_TO_HZ) / _LINEAR_TO_HZ) / _LOG_STEP
    return np.where(hz < _LINEAR_TO_HZ, hz / _HZ_PER_MEL, above)


def hz_of_mel(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of ``mel_of_hz``."""
    above = _LINEAR_TO_HZ * np.exp((np.maximum(mel, _MEL_AT_1000_HZ) - _MEL_AT_1000_HZ) * _LOG_STEP)
    return np.where(mel < _MEL_AT_1000_HZ, mel * _HZ_PER_MEL, above)


@lru_cache(maxsize=4)
def mel_weights(*, bands: int, window: int, rate_hz: int) -> Spectrum:
    """Triangles from 0 Hz to half of ``rate_hz``: float32, spectrum bins x ``bands``, read-only."""
    edges = hz_of_mel(np.linspace(0.0, mel_of_hz(np.array(rate_hz / 2)), bands + 2))
    bins = np.fft.rfftfreq(window, 1 / rate_hz)[:, np.newaxis]
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    area = 2.0 / (edges[2:] - edges[:-2])
    weights = (np.maximum(0.0, np.minimum(rising, falling)) * area).astype(np.float32)
    weights.flags.writeable = False
    return weights


@lru_cache(maxsize=4)
def hann(window: int) -> Spectrum:
    """Periodic Hann window: float32, ``window`` values, read-only."""
    values = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)
    values.flags.writeable = False
    return values


def mel_power(
    samples: NDArray[np.float32], *, rate_hz: int, window: int, step: int, bands: int
) -> Spectrum:
    """Mel power of ``samples`` (mono, full scale -1..1): float32, frames x ``bands``, >= 0.

    ``window`` and ``step`` in samples; 1 + len // step frames.
    """
    padded = np.pad(samples, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::step]
    weights = mel_weights(bands=bands, window=window, rate_hz=rate_hz)
    mel = np.empty((len(frames), bands), dtype=np.float32)
    for first in range(0, len(frames), _FRAMES_AT_A_TIME):
        block = slice(first, first + _FRAMES_AT_A_TIME)
        spectrum = np.fft.rfft(frames[block] * hann(window), axis=1)
        np.matmul(spectrum.real**2 + spectrum.imag**2, weights, out=mel[block])
    return mel


def level_db(samples: NDArray[np.float32]) -> float:
    """Mean power in dB of full scale (dBFS): 0 for a square wave of full scale; at least -100."""
    power = float(np.mean(np.square(samples, dtype=np.float32))) if len(samples) else 0.0
    return 10 * float(np.log10(power + _SILENCE))


def cut_windows(frames: Spectrum, *, length: int, step: int) -> Spectrum:
    """Windows of ``length`` frames every ``step``, the last one ending with the last frame.

    windows x length x bands. Fewer frames than ``length`` are repeated until one window is full.
    """
    if len(frames) < length:
        return np.resize(frames, (length, frames.shape[1]))[np.newaxis]
    starts = list(range(0, len(frames) - length + 1, step))
    if starts[-1] + length < len(frames):
        starts.append(len(frames) - length)
    return np.stack([frames[start : start + length] for start in starts])
