"""Several people who speak at once, mixed of recordings of people alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from training.voice.degradations import RATE_HZ
from training.voice.trials import Recording, Voices

# How many people speak, how much softer all but the first are, and how many recordings of each
# half of the people are made of it.
_KINDS = ((2, 0.0, 150), (2, -6.0, 75), (3, 0.0, 60), (8, 0.0, 40))
_SHORTEST_S = 2.0
_SEED = 11


def half_of(speakers: Sequence[str]) -> dict[str, int]:
    """Which half of the people each belongs to, 0 or 1."""
    return {speaker: place % 2 for place, speaker in enumerate(sorted({*speakers}))}


def in_half(voices: Voices, halves: dict[str, int], half: int) -> NDArray[np.bool_]:
    """Who speaks in these recordings; of several, the first one is asked."""
    return np.array([halves[speaker.split()[0]] == half for speaker in voices.speakers], np.bool_)


def at_once(recordings: Sequence[Recording], others_db: float = 0.0) -> Recording:
    """As long as the shortest; the first one is 0 dB loud."""
    length = min(len(recording.sample.samples) for recording in recordings)
    levels = [1.0] + [10 ** (others_db / 20)] * (len(recordings) - 1)
    voices = [recording.sample.samples[:length].astype(np.float64) for recording in recordings]
    mixed = sum(level / np.std(one) * one for level, one in zip(levels, voices, strict=True))
    return Recording(" ".join(recording.speaker for recording in recordings), levelled(mixed))


def levelled(samples: NDArray[np.float64] | float) -> VoiceSample:
    loudest = np.abs(samples).max()
    return VoiceSample(np.asarray(0.5 * samples / loudest, np.float32), RATE_HZ)


def crowds_of(short: Sequence[Recording]) -> list[Recording]:
    """Of each half of the people, mixed with nobody of the other."""
    halves = half_of([recording.speaker for recording in short])
    long = [one for one in short if len(one.sample.samples) > _SHORTEST_S * RATE_HZ]
    chance = np.random.default_rng(_SEED)
    return [
        at_once(_drawn([r for r in long if halves[r.speaker] == half], people, chance), others_db)
        for half in (0, 1)
        for people, others_db, count in _KINDS
        for _ in range(count)
    ]


def _drawn(
    recordings: Sequence[Recording], people: int, chance: np.random.Generator
) -> list[Recording]:
    """One recording of each of so many people."""
    speakers = sorted({recording.speaker for recording in recordings})
    theirs = [
        [recording for recording in recordings if recording.speaker == speaker]
        for speaker in chance.choice(speakers, people, replace=False)
    ]
    return [one[int(chance.integers(len(one)))] for one in theirs]
