"""Fit what CAM++'s templates need beside its weights: cohort means, duration slope, thresholds.

    python -m training.voice.fit_campplus --recordings ../shared/data/voice_dev --weights W

writes src/perse/weights/shipped/campplus_cohort.npy (W: folder of weights) and prints what belongs
into the catalogue.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.domain.voices import DurationCorrection
from perse.networks.campplus import SNR_KNOTS_DB
from training.voice.degradations import babble_of, narrow_band, pink, white, with_noise
from training.voice.trials import (
    CLIP_S,
    Cohort,
    Floats,
    Networks,
    Recording,
    Scores,
    Voices,
    clips,
    joined_by,
    open_voice_networks,
    read_recordings,
    scores_between,
    voices_of,
)

COHORT = Path("src/perse/weights/shipped/campplus_cohort.npy")
FMRS = (1e-1, 1e-2, 1e-3)
SLOPES = np.round(np.arange(0.0, 0.31, 0.02), 2)
JOINED = (3, 5, 10)
LONGEST_S = 30.0
REFERENCE_S = 2.5
SHORTEST_S = 2.0
_EDGES_S = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 9.0, 12.0, 18.0)
_LEAST_IN_BIN = 2000
_RESAMPLES = 200
_CAUTION = 0.65


@dataclass(frozen=True, slots=True)
class Fit:
    """``points``: FMR -> corrected cosine."""

    cohort: NDArray[np.float32]
    correction: DurationCorrection
    points: dict[float, float]
    strangers: Scores


@dataclass(frozen=True, slots=True)
class Lessons:
    """``cohort``: clips of everybody under each condition. ``lengths``: the same people with short
    and with long recordings: clips, and 3, 5 and 10 of them joined."""

    cohort: Cohort
    lengths: tuple[Voices, ...]

    def of(self, speakers: NDArray[np.str_]) -> Lessons:
        return Lessons(
            self.cohort.only(speakers),
            tuple(v.of(np.isin(v.speakers, speakers)) for v in self.lengths),
        )


def lessons_of(short: Sequence[Recording], networks: Networks) -> Lessons:
    """``short``: clips, ten of a person, of which two make the cohort."""
    two_each = [number for number in range(len(short)) if number % 10 in (0, 4)]
    conditions = [
        voices_of(short, networks, partial(_under, short, snr_db, narrow=narrow), numbers=two_each)
        for narrow in (False, True)
        for snr_db in SNR_KNOTS_DB
    ]
    longer = (voices_of(joined_by(short, number), networks) for number in JOINED)
    return Lessons(Cohort.of(conditions), (voices_of(short, networks), *longer))


def _under(
    short: Sequence[Recording],
    snr_db: float,
    sample: VoiceSample,
    *,
    narrow: bool,
) -> VoiceSample:
    """A clip under a condition; the last ratio is that of the clip as it is. Noises take turns."""
    noises = (white, pink, babble_of([recording.sample for recording in short]))
    if snr_db != SNR_KNOTS_DB[-1]:
        turn = len(sample.samples) % len(noises)
        sample = with_noise(sample, noises[turn], snr_db=snr_db, seed=1)
    return narrow_band(sample) if narrow else sample


def fit(lessons: Lessons) -> Fit:
    """Means, slope and thresholds for the people of ``lessons``."""
    parts = [
        scores_between(first, second, lessons.cohort)
        for first, second in combinations_with_replacement(lessons.lengths, 2)
    ]
    strangers = non_mated(Scores.all_of(parts))
    correction = _correction(strangers)
    points = cautious_thresholds(strangers, strangers.corrected(correction))
    return Fit(lessons.cohort.without(), correction, points, strangers)


def non_mated(scores: Scores) -> Scores:
    chosen = ~scores.mated
    return Scores(*(getattr(scores, name)[chosen] for name in Scores.__dataclass_fields__))


def _correction(strangers: Scores) -> DurationCorrection:
    """The slope at which strangers match equally often at all durations."""
    corrections = [
        DurationCorrection(float(slope), REFERENCE_S, LONGEST_S, SHORTEST_S) for slope in SLOPES
    ]
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


def cautious_thresholds(strangers: Scores, corrected: Floats) -> dict[float, float]:
    """Per rate the threshold at which two of three resamplings of the speakers stay below it."""
    speakers, coded = np.unique(
        np.concatenate([strangers.first, strangers.second]), return_inverse=True
    )
    order = np.argsort(-corrected)
    first, second = coded.reshape(2, -1)[:, order]
    ranked, chance = corrected[order], np.random.default_rng(4)
    found: dict[float, list[float]] = {fmr: [] for fmr in FMRS}
    for _ in range(_RESAMPLES):
        drawn = np.bincount(
            chance.integers(0, len(speakers), len(speakers)), minlength=len(speakers)
        )
        weight = np.cumsum(drawn[first] * drawn[second])
        for fmr, thresholds in found.items():
            thresholds.append(float(ranked[np.searchsorted(weight, fmr * weight[-1])]))
    return {fmr: float(np.quantile(values, _CAUTION)) for fmr, values in found.items()}


def report_durations(found: Fit) -> None:
    """FMR by effective net speech, at the threshold with FMR 1 % from 2 to 3 s."""
    bins = np.digitize(found.strangers.effective_s, _EDGES_S)
    for name, correction in (("without", DurationCorrection()), ("with", found.correction)):
        scores = found.strangers.corrected(correction)
        typical = np.isin(bins, (3, 4))
        threshold = np.quantile(scores[typical], 0.99)
        rates = [f"{(scores[bins == b] >= threshold).mean():.2%}" for b in np.unique(bins)]
        print(f"FMR {name} the correction, from {_EDGES_S} s on: {', '.join(rates)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    given = parser.parse_args()
    networks = open_voice_networks(given.weights)
    short = clips(read_recordings(given.recordings), networks, CLIP_S)
    found = fit(lessons_of(short, networks))
    COHORT.parent.mkdir(exist_ok=True)
    np.save(COHORT, found.cohort, allow_pickle=False)
    print(f"duration_slope = {found.correction.slope}")
    print(f"pairs = {len(found.strangers.cosine)}")
    report_durations(found)
    for fmr, cosine in found.points.items():
        print(f"{{ fmr = {fmr:g}, cosine = {cosine:.4f} }},")


if __name__ == "__main__":
    main()
