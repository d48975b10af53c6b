"""Fit what tells from the features of CAM++ that several people speak at once.

    python -m training.voice.fit_crowd --recordings ../shared/data/voice_dev --weights W

writes src/perse/weights/shipped/campplus_crowd.npy (W: folder of weights) and prints the limit that
belongs into the catalogue: what 1 in 200 clips of one person exceeds, each judged by a fit on the
other half of the people. What was computed is kept in --kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.networks.campplus import FEATURES, crowding
from training.voice.crowds import crowds_of, half_of, in_half
from training.voice.fit_campplus import Lessons, lessons_of
from training.voice.kept import KeptVoices, voice_arguments
from training.voice.trials import (
    CLIP_S,
    Floats,
    Networks,
    Recording,
    Voices,
    clips,
    open_voice_networks,
    read_recordings,
    voices_of,
)

CROWD = Path("src/perse/weights/shipped/campplus_crowd.npy")
MARKED_ALONE = 0.005
# People alone and crowds count as this many recordings together, against the ridge on standardised
# values.
_COUNT, _RIDGE = 1000.0, 30.0
_ROUNDS = 30

Weights = NDArray[np.float32]


def crowd_of(lessons: Lessons, crowds: Voices) -> Weights:
    """As ``crowding`` takes it: logistic regression, by Newton's method."""
    alone = [lessons.lengths[0].features, *(it.features for it in lessons.conditions.values())]
    seen = np.concatenate([*alone, crowds.features]).astype(np.float64)
    seen = np.column_stack((seen, np.log(np.linalg.norm(seen, axis=1))))
    several = np.arange(len(seen)) >= len(seen) - len(crowds.features)
    share = np.where(several, 0.5 / several.sum(), 0.5 / (~several).sum()) * _COUNT
    mean, spread = seen.mean(axis=0), seen.std(axis=0)
    design = np.column_stack(((seen - mean) / spread, np.ones(len(seen))))
    ridge = np.diag([_RIDGE] * (FEATURES + 1) + [0.0])
    found = np.zeros(FEATURES + 2)
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-design @ found))
        slope = design.T @ (share * (several - chance)) - ridge @ found
        curve = (design.T * (share * chance * (1 - chance))) @ design + ridge
        found = found + np.linalg.solve(curve, slope)
    weights = found[:-1] / spread
    return np.append(weights, found[-1] - weights @ mean).astype(np.float32)


class Judges:
    """Each half of the people is judged by what was fitted on the other one."""

    def __init__(self, lessons: Lessons, crowds: Voices) -> None:
        speakers = lessons.lengths[0].speakers
        self.halves = half_of(speakers.tolist())
        halves = [np.array([s for s, its in self.halves.items() if its == half]) for half in (0, 1)]
        self._by_half = [
            crowd_of(
                lessons.of(halves[1 - half]), crowds.of(in_half(crowds, self.halves, 1 - half))
            )
            for half in (0, 1)
        ]

    def crowding(self, voices: Voices) -> Floats:
        second = in_half(voices, self.halves, 1)
        first, other = (crowding(voices.features, crowd) for crowd in self._by_half)
        return np.where(second, other, first)


def crowds(short: Sequence[Recording], networks: Networks, kept: KeptVoices) -> Voices:
    return kept.of("crowds", lambda: voices_of(crowds_of(short), networks))


def main() -> None:
    given = voice_arguments(__doc__)
    networks, kept = open_voice_networks(given.weights), KeptVoices(given.kept)
    short = clips(read_recordings(given.recordings), networks, CLIP_S)
    lessons, several = lessons_of(short, networks, kept), crowds(short, networks, kept)
    np.save(CROWD, crowd_of(lessons, several), allow_pickle=False)
    alone = Judges(lessons, several).crowding(lessons.lengths[0])
    print(f"limit_crowding = {np.quantile(alone, 1 - MARKED_ALONE):.2f}")


if __name__ == "__main__":
    main()
