"""Speech for tests, made of nothing but arithmetic: syllables of a voiced source and formants.

A person is a pitch and a length of the vocal tract. Silero takes it for speech and CAM++ tells the
people apart; nobody would mistake it for anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# First three formants in Hz of a, e, i, o, u of an adult, and their bandwidths.
_VOWELS = np.array(
    [(730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240)]
)
_BANDWIDTHS = np.array((80, 100, 150))
_SYLLABLE_S = 0.22
_PHRASE = 8  # syllables, the last of them silent


@dataclass(frozen=True, slots=True)
class Person:
    """``pitch_hz``: mean pitch. ``tract``: formants relative to the table, 1 = as they stand."""

    pitch_hz: float
    tract: float


ALICE = Person(pitch_hz=205, tract=1.12)
BOB = Person(pitch_hz=85, tract=0.82)


def speech(
    person: Person, seconds: float, *, seed: int = 0, rate_hz: int = 16_000
) -> NDArray[np.float32]:
    """Mono float32, peak 0.5. Another ``seed`` says other syllables in the same voice."""
    chance = np.random.default_rng(seed)
    count = int(np.ceil(seconds / _SYLLABLE_S))
    vowels = _VOWELS[chance.integers(0, len(_VOWELS), count + 1)] * person.tract
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    syllable = time_s / _SYLLABLE_S
    formants = np.stack(
        [np.interp(syllable, np.arange(count + 1), vowels[:, index]) for index in range(3)]
    )
    melody = np.interp(syllable, np.arange(count + 1), chance.normal(0, 0.08, count + 1))
    phase = 2 * np.pi * np.cumsum(person.pitch_hz * np.exp(melody)) / rate_hz
    voiced = _harmonics(phase, person.pitch_hz * np.exp(melody), formants, rate_hz)
    envelope = np.sin(np.pi * (syllable % 1)) ** 0.7 * (syllable % _PHRASE < _PHRASE - 1)
    onset = (syllable % 1 < 0.2) & (envelope > 0)
    hiss = 0.02 * np.diff(chance.normal(size=len(time_s) + 1)) * onset
    sound = voiced / np.abs(voiced).max() * envelope + hiss
    return np.asarray(0.5 * sound / np.abs(sound).max(), dtype=np.float32)


def _harmonics(
    phase: NDArray[np.float64],
    pitch_hz: NDArray[np.float64],
    formants: NDArray[np.float64],
    rate_hz: int,
) -> NDArray[np.float64]:
    sound = np.zeros_like(phase)
    for harmonic in range(1, int(4800 / pitch_hz.mean())):
        hz = np.minimum(harmonic * pitch_hz, rate_hz / 2)
        gain = sum(
            1 / (1 + ((hz - formant) / bandwidth) ** 2) / (index + 1)
            for index, (formant, bandwidth) in enumerate(zip(formants, _BANDWIDTHS, strict=True))
        )
        sound += (gain + 0.01) / harmonic**0.5 * np.sin(harmonic * phase)
    return sound
