"""What becomes of recordings that are not one person speaking: sounds, several people, babble.

    python -m benchmarks.bad_recordings --recordings ../shared/data/voice_dev --weights data/weights

For each kind: how many have too little speech, how many are marked (`similarity_assessable` is
false), and how many would not be, with what ships. People alone, as recorded and under every
condition, show how often one person is marked wrongly. They are the people that the cohort was
fitted on; agreement within a recording was not fitted.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from perse.bootstrap.voices import voice_limits
from perse.domain.samples import VoiceSample
from perse.domain.voice_obstacles import VoiceLimits, agreement
from perse.networks.campplus import without_common
from perse.weights.catalogue import load_catalog
from perse.weights.cohort import shipped_cohort
from training.voice.conditions import held_out
from training.voice.degradations import RATE_HZ, babble_of
from training.voice.fit_campplus import lessons_of
from training.voice.kept import KeptVoices, voice_arguments
from training.voice.sounds import SOUNDS
from training.voice.trials import (
    CLIP_S,
    Recording,
    Voices,
    clips,
    open_voice_networks,
    read_recordings,
    voices_of,
)

SEEDS = 6
SOUND_S = 10.0
EVERY = 10
# As benchmarks.voice_accuracy.
CHANGED = (1, 5)


def agreements(voices: Voices) -> NDArray[np.float64]:
    """Of each recording, 1 where it has too few parts to disagree."""
    parts = without_common(voices.parts, shipped_cohort())
    found = [agreement(parts[voices.part_of == row]) for row in range(len(voices.speakers))]
    return np.array([1.0 if one is None else one for one in found])


def report(name: str, voices: Voices, limits: VoiceLimits) -> None:
    total = len(voices.speakers) + voices.lost
    found = agreements(voices)
    marked = int((found < limits.agreement).sum())
    print(
        f"{name}: {total} recordings, too little speech {voices.lost}, marked {marked} "
        f"({marked / max(1, len(found)):.1%}){_spread_of(found[found < 1])}"
    )


def _spread_of(agreements: NDArray[np.float64]) -> str:
    if not len(agreements):
        return ""
    low, middle, high = np.quantile(agreements, (0.05, 0.5, 0.95))
    return f", agreement {middle:.2f} ({low:.2f} .. {high:.2f})"


def sounds() -> list[Recording]:
    return [
        Recording(name, VoiceSample(sound(SOUND_S, seed), RATE_HZ))
        for name, sound in SOUNDS.items()
        for seed in range(SEEDS)
    ]


def babble(short: Sequence[Recording]) -> list[Recording]:
    """Eight people at a time."""
    crowd = babble_of([recording.sample for recording in short])
    found = [crowd(round(CLIP_S * RATE_HZ), np.random.default_rng(seed)) for seed in range(40)]
    return [Recording("crowd", _levelled(samples)) for samples in found]


def pairs_of_people(short: Sequence[Recording]) -> list[tuple[Recording, Recording]]:
    """Every tenth clip with one of somebody else."""
    chance = np.random.default_rng(3)
    pairs = []
    for one in short[::EVERY]:
        others = [other for other in short if other.speaker != one.speaker]
        pairs.append((one, others[int(chance.integers(len(others)))]))
    return pairs


def in_turn(one: Recording, other: Recording) -> Recording:
    samples = np.concatenate([one.sample.samples, other.sample.samples])
    return Recording(f"{one.speaker} {other.speaker}", VoiceSample(samples, RATE_HZ))


def at_once(one: Recording, other: Recording) -> Recording:
    """Equally loud."""
    length = min(len(one.sample.samples), len(other.sample.samples))
    first, second = (r.sample.samples[:length].astype(np.float64) for r in (one, other))
    mixed = first / np.std(first) + second / np.std(second)
    return Recording(f"{one.speaker} {other.speaker}", _levelled(mixed))


def _levelled(samples: NDArray[np.float64]) -> VoiceSample:
    return VoiceSample((0.5 * samples / np.abs(samples).max()).astype(np.float32), RATE_HZ)


def odd_ones(short: Sequence[Recording]) -> Mapping[str, Callable[[], list[Recording]]]:
    pairs = pairs_of_people(short)
    return {
        "sounds": sounds,
        "two people in turn": lambda: [in_turn(*pair) for pair in pairs],
        "two people at once": lambda: [at_once(*pair) for pair in pairs],
        "eight people at once": lambda: babble(short),
    }


def main() -> None:
    given = voice_arguments(__doc__)
    networks, kept = open_voice_networks(given.weights), KeptVoices(given.kept)
    limits = voice_limits(load_catalog().card("campplus"))
    short = clips(read_recordings(given.recordings), networks, CLIP_S)
    print(f"{datetime.date.today()}: limits {limits}")
    for name, make in odd_ones(short).items():
        report(name, kept.of(name, lambda: voices_of(make(), networks)), limits)  # noqa: B023
    lessons = lessons_of(short, networks, kept)
    numbers = [number for number in range(len(short)) if number % 10 in CHANGED]
    conditions = held_out([recording.sample for recording in short])
    unknown = {
        name: kept.of(name, partial(voices_of, short, networks, change, numbers=numbers))
        for name, change in conditions.items()
    }
    alone = dict(zip(("clips", "ten joined"), lessons.lengths, strict=True))
    for name, voices in {**alone, **lessons.conditions, **unknown}.items():
        report(f"one person, {name}", voices, limits)


if __name__ == "__main__":
    main()
