"""Fit what GE2E's templates need beside its weights: cohort mean, duration slope, thresholds.

    python -m training.voice.fit_ge2e --recordings ../shared/data/voice_dev --weights data/weights

writes src/perse/models/weights/ge2e_cohort.npy and prints what belongs into the catalogue.
The level, the margin around speech and the weight of the plain view (constants of
perse.models.ge2e) were chosen on the same speakers, in cross-validation by speaker.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.domain.voices import DurationCorrection
from training.voice.trials import (
    CLIP_S,
    Floats,
    Networks,
    Recording,
    Scores,
    SpeakerMeans,
    Voices,
    clips,
    joined_by,
    open_voice_networks,
    read_recordings,
    scores_between,
    voices_of,
)

COHORT = Path("src/perse/models/weights/ge2e_cohort.npy")
FMRS = (1e-1, 1e-2, 1e-3)
SLOPES = np.round(np.arange(0.0, 0.31, 0.01), 2)
LONGEST_S = 12.0
REFERENCE_S = 2.5
_EDGES_S = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 9.0, 12.0)
_LEAST_IN_BIN = 2000
_RESAMPLES = 300
_CAUTION = 0.8


@dataclass(frozen=True, slots=True)
class Fit:
    """``points``: FMR -> corrected cosine."""

    cohort: NDArray[np.float32]
    correction: DurationCorrection
    points: dict[float, float]
    pairs: int


def lengths_of(recordings: Sequence[Recording], networks: Networks) -> list[Voices]:
    """The same people with short and with long recordings: clips, and 2, 3 and 5 of them."""
    short = clips(recordings, networks, CLIP_S)
    return [
        voices_of(chosen, networks)
        for chosen in (short, *(joined_by(short, number) for number in (2, 3, 5)))
    ]


def fit(lengths: Sequence[Voices]) -> Fit:
    """From voices of several lengths, of which the first is the cohort."""
    cohort = lengths[0]
    parts = [
        scores_between(first, second, cohort)
        for first, second in combinations_with_replacement(lengths, 2)
    ]
    strangers = non_mated(Scores.all_of(parts))
    correction = _correction(strangers)
    points = {
        fmr: cautious_threshold(strangers, strangers.corrected(correction), fmr) for fmr in FMRS
    }
    return Fit(SpeakerMeans.of(cohort).without(), correction, points, len(strangers.cosine))


def non_mated(scores: Scores) -> Scores:
    chosen = ~scores.mated
    return Scores(*(getattr(scores, name)[chosen] for name in Scores.__dataclass_fields__))


def _correction(strangers: Scores) -> DurationCorrection:
    """The slope at which strangers match equally often at all durations."""
    corrections = [DurationCorrection(float(slope), REFERENCE_S, LONGEST_S) for slope in SLOPES]
    return min(corrections, key=lambda correction: _unevenness(strangers, correction))


def _unevenness(strangers: Scores, correction: DurationCorrection) -> float:
    corrected = strangers.corrected(correction)
    bins = np.digitize(strangers.effective_s, _EDGES_S)
    threshold = np.quantile(corrected, 0.99)
    rates = [
        (corrected[bins == index] >= threshold).mean()
        for index in range(1, len(_EDGES_S))
        if (bins == index).sum() >= _LEAST_IN_BIN
    ]
    return float(np.std(np.log(np.maximum(rates, 1e-4))))


def cautious_threshold(strangers: Scores, corrected: Floats, fmr: float) -> float:
    """The threshold for ``fmr`` that four of five resamplings of the speakers stay below."""
    speakers, coded = np.unique(
        np.concatenate([strangers.first, strangers.second]), return_inverse=True
    )
    order = np.argsort(-corrected)
    first, second = coded.reshape(2, -1)[:, order]
    ranked, chance = corrected[order], np.random.default_rng(4)
    found = []
    for _ in range(_RESAMPLES):
        drawn = np.bincount(
            chance.integers(0, len(speakers), len(speakers)), minlength=len(speakers)
        )
        weight = np.cumsum(drawn[first] * drawn[second], dtype=np.float64)
        found.append(ranked[np.searchsorted(weight, fmr * weight[-1])])
    return float(np.quantile(found, _CAUTION))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    given = parser.parse_args()
    networks = open_voice_networks(given.weights)
    found = fit(lengths_of(read_recordings(given.recordings), networks))
    COHORT.parent.mkdir(exist_ok=True)
    np.save(COHORT, found.cohort, allow_pickle=False)
    print(f"duration_slope = {found.correction.slope}")
    print(f"pairs = {found.pairs}")
    for fmr, cosine in found.points.items():
        print(f"{{ fmr = {fmr:g}, cosine = {cosine:.4f} }},")


if __name__ == "__main__":
    main()
