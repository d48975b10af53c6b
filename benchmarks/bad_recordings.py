"""What becomes of recordings that are not one person speaking: sounds, several people, babble.

    python -m benchmarks.bad_recordings --recordings ../shared/data/voice_dev --weights data/weights

For each kind: how many have too little speech, how many are marked (`similarity_assessable` is
false), and how many would not be, with what ships. People alone, as recorded and under every
condition, show how often one person is marked wrongly. They are the people that the cohort was
fitted on; agreement within a recording was not fitted. What tells people who speak at once is
fitted here on each half of the people, as training/voice/fit_crowd.py does on all of them, and
judges the other half.
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
from training.voice.crowds import at_once, half_of, levelled
from training.voice.degradations import RATE_HZ, babble_of
from training.voice.fit_campplus import lessons_of
from training.voice.fit_crowd import Judges, crowds
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


def report(name: str, voices: Voices, limits: VoiceLimits, judges: Judges) -> None:
    total = len(voices.speakers) + voices.lost
    found = agreements(voices)
    in_turn = found < limits.agreement
    marked = in_turn | (judges.crowding(voices) > limits.crowding)
    print(
        f"{name}: {total} recordings, too little speech {voices.lost}, marked {marked.sum()} "
        f"({marked.sum() / max(1, len(found)):.1%}), {in_turn.sum()} of them by agreement"
        f"{_spread_of(found[found < 1])}"
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
    """Eight people at a time, of one half of the people."""
    found = []
    halves = half_of([one.speaker for one in short])
    for half in (0, 1):
        ours = [one for one in short if halves[one.speaker] == half]
        crowd = babble_of([recording.sample for recording in ours])
        for seed in range(20):
            samples = crowd(round(CLIP_S * RATE_HZ), np.random.default_rng(seed))
            found.append(Recording(ours[0].speaker, levelled(samples)))
    return found


def groups_of_people(short: Sequence[Recording], people: int) -> list[list[Recording]]:
    """Every tenth clip with others of so many people in all, of one half of the people."""
    chance, halves = np.random.default_rng(3), half_of([one.speaker for one in short])
    groups = []
    for one in short[::EVERY]:
        ours = [other for other in short if halves[other.speaker] == halves[one.speaker]]
        group = [one]
        while len(group) < people:
            there = {member.speaker for member in group}
            others = [other for other in ours if other.speaker not in there]
            group.append(others[int(chance.integers(len(others)))])
        groups.append(group)
    return groups


def in_turn(one: Recording, other: Recording) -> Recording:
    samples = np.concatenate([one.sample.samples, other.sample.samples])
    return Recording(f"{one.speaker} {other.speaker}", VoiceSample(samples, RATE_HZ))


def odd_ones(short: Sequence[Recording]) -> Mapping[str, Callable[[], list[Recording]]]:
    pairs, threes = groups_of_people(short, 2), groups_of_people(short, 3)
    return {
        "sounds": sounds,
        "two people in turn": lambda: [in_turn(*pair) for pair in pairs],
        "two people at once": lambda: [at_once(pair) for pair in pairs],
        "two people at once, one 6 dB softer": lambda: [at_once(pair, -6.0) for pair in pairs],
        "three people at once": lambda: [at_once(three) for three in threes],
        "eight people at once": lambda: babble(short),
    }


def main() -> None:
    given = voice_arguments(__doc__)
    networks, kept = open_voice_networks(given.weights), KeptVoices(given.kept)
    limits = voice_limits(load_catalog().card("campplus"))
    short = clips(read_recordings(given.recordings), networks, CLIP_S)
    print(f"{datetime.date.today()}: limits {limits}")
    lessons = lessons_of(short, networks, kept)
    judges = Judges(lessons, crowds(short, networks, kept))
    for name, make in odd_ones(short).items():
        voices = kept.of(name, lambda: voices_of(make(), networks))  # noqa: B023
        report(name, voices, limits, judges)
    numbers = [number for number in range(len(short)) if number % 10 in CHANGED]
    conditions = held_out([recording.sample for recording in short])
    unknown = {
        name: kept.of(name, partial(voices_of, short, networks, change, numbers=numbers))
        for name, change in conditions.items()
    }
    alone = dict(zip(("clips", "ten joined"), lessons.lengths, strict=True))
    for name, voices in {**alone, **lessons.conditions, **unknown}.items():
        report(f"one person, {name}", voices, limits, judges)


if __name__ == "__main__":
    main()
