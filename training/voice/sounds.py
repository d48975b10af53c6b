"""Sounds that are nobody's voice, made of arithmetic: tones, bells, chords, drums, noise.

Each is mono float32 of 16 kHz, peak 0.5; the same ``seed`` gives the same sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
_KEYS_HZ = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))
_BEAT_S = 0.3

Floats = NDArray[np.float64]


def dial_tone(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """425 Hz, as lines in Europe and China give it, with a faint hiss."""
    return _finished(np.sin(2 * np.pi * 425 * _times(seconds)), seed)


def busy_tone(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """425 Hz, half a second on and half a second off."""
    times = _times(seconds)
    return _finished(np.sin(2 * np.pi * 425 * times) * (times % 1 < 0.5), seed)


def dialling(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Keys of a telephone, two tones each (ITU-T Q.23)."""
    times, chance = _times(seconds), np.random.default_rng(seed)
    key = np.floor(times / 0.2).astype(int)
    tones = [np.array(row)[chance.integers(0, 4, key[-1] + 1)][key] for row in _KEYS_HZ]
    return _finished(
        _mixed(np.sin(2 * np.pi * hz * times) for hz in tones) * (times % 0.2 < 0.12), 0
    )


def sweep(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """A sine from 100 to 4000 Hz and back, every two seconds."""
    hz = 100 * 40 ** (1 - np.abs(_times(seconds) % 2 - 1))
    return _finished(np.sin(_phase(hz)), seed)


def chords(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Four notes at a time with eight overtones, struck twice a second."""
    return _finished(_struck(seconds, seed, notes=4, every_s=0.5), seed)


def melody(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """One note at a time, with vibrato, as a violin plays."""
    chance, times = np.random.default_rng(seed), _times(seconds)
    beat = np.floor(times / _BEAT_S).astype(int)
    pitch_hz = (220 * 2 ** (chance.integers(0, 20, beat[-1] + 1) / 12))[beat]
    phase = _phase(pitch_hz * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * times)))
    return _finished(_mixed(np.sin(n * phase) / n for n in range(1, 12)), seed)


def drums(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """A bass drum and a snare in turn, a cymbal on every beat."""
    times, chance = _times(seconds), np.random.default_rng(seed)
    since = times % _BEAT_S
    hiss = chance.normal(size=len(times))
    low = np.sin(2 * np.pi * 60 * since) * np.exp(-12 * since)
    snare = 0.6 * hiss * np.exp(-18 * since)
    cymbal = 0.2 * np.diff(hiss, prepend=0) * np.exp(-30 * since)
    return _finished(np.where(times % (2 * _BEAT_S) < _BEAT_S, low, snare) + cymbal, seed)


def band(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Chords, a melody and drums together."""
    parts = (chords, melody, drums)
    return _finished(_mixed(part(seconds, seed).astype(np.float64) for part in parts), seed)


def buzz(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """A sawtooth of 110 Hz through a filter that opens and closes four times a second, as a
    vocoder or a toy robot speaks."""
    times = _times(seconds)
    hz = 110 * 2 ** (np.random.default_rng(seed).integers(0, 12) / 12)
    opening = 600 + 1800 * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * times))
    heard = (
        np.sin(2 * np.pi * hz * n * times) / n / (1 + (hz * n / opening) ** 4)
        for n in range(1, int(5000 / hz))
    )
    return _finished(_mixed(heard) * (times % 1.5 < 1.2), seed)


def hiss(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """White noise, louder and softer three times a second, as applause or rain in gusts."""
    times = _times(seconds)
    noise = np.random.default_rng(seed).normal(size=len(times))
    return _finished(noise * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * times)), seed)


SOUNDS: Mapping[str, Callable[[float, int], NDArray[np.float32]]] = MappingProxyType(
    {
        "dial tone": dial_tone,
        "busy tone": busy_tone,
        "dialling": dialling,
        "sweep": sweep,
        "chords": chords,
        "melody": melody,
        "drums": drums,
        "band": band,
        "buzz": buzz,
        "hiss": hiss,
    }
)


def _struck(seconds: float, seed: int, *, notes: int, every_s: float) -> Floats:
    chance, times = np.random.default_rng(seed), _times(seconds)
    strike = np.floor(times / every_s).astype(int)
    pitches = 110 * 2 ** (chance.integers(0, 30, (strike[-1] + 1, notes)) / 12)
    fading = np.exp(-4 * (times % every_s))
    sound = np.zeros_like(times)
    for note in range(notes):
        hz = pitches[strike, note]
        sound += _mixed(np.sin(2 * np.pi * hz * n * times) / n**1.5 for n in range(1, 9))
    return sound * fading


def _mixed(parts: Iterable[Floats]) -> Floats:
    return np.asarray(np.sum(list(parts), axis=0))


def _times(seconds: float) -> Floats:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def _phase(hz: Floats) -> Floats:
    return np.asarray(2 * np.pi * np.cumsum(hz) / RATE_HZ)


def _finished(sound: Floats, seed: int) -> NDArray[np.float32]:
    """With the faint noise that every recording has."""
    noise = np.random.default_rng((seed, 1)).normal(0, 1e-3, len(sound))
    return np.asarray(0.5 * sound / np.abs(sound).max() + noise, np.float32)
