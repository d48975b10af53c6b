"""Recordings for tests, written on the spot."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

Samples = NDArray[np.floating]


def tone(
    hz: float, *, seconds: float = 1.0, rate_hz: int = 16_000, peak: float = 0.5
) -> NDArray[np.float64]:
    return peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)


def encoded(
    samples: Samples, rate_hz: int = 16_000, kind: str = "WAV", subtype: str = "PCM_16"
) -> bytes:
    file = io.BytesIO()
    sf.write(file, samples, rate_hz, format=kind, subtype=subtype)
    return file.getvalue()


def good_recordings() -> Mapping[str, bytes]:
    """One or more of every kind that is read, a fifth of a second long."""
    sound = tone(440, seconds=0.2, rate_hz=8_000)
    return {
        "wav": encoded(sound, 8_000),
        "wav a-law": encoded(sound, 8_000, subtype="ALAW"),
        "wav extensible, stereo": encoded(np.stack([sound] * 2, axis=1), 8_000, "WAVEX", "FLOAT"),
        "ogg vorbis": encoded(sound, 8_000, "OGG", "VORBIS"),
        "ogg opus": encoded(sound, 8_000, "OGG", "OPUS"),
        "ogg chain": encoded(sound, 8_000, "OGG", "OPUS") + encoded(sound, 8_000, "OGG", "VORBIS"),
        "wav joined": encoded(sound, 8_000) + encoded(sound, 16_000),
    }


def with_lengths(wav: bytes, *, riff: int | None = None, data: int | None = None) -> bytes:
    """A WAV file that claims other lengths than it has."""
    changed = bytearray(wav)
    if riff is not None:
        struct.pack_into("<I", changed, 4, riff)
    if data is not None:
        struct.pack_into("<I", changed, wav.index(b"data") + 4, data)
    return bytes(changed)


def strongest_hz(samples: NDArray[np.float32], rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate_hz / len(samples))
