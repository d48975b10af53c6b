"""Fit what CAM++'s templates need beside its weights: cohort, duration slope, thresholds.

    python -m training.voice.fit_campplus --recordings ../shared/data/voice_dev --weights W

writes src/perse/weights/shipped/campplus_cohort.npy (W: folder of weights) and prints what belongs
into the catalogue. What was computed is kept in --kept, so a run that is cut off goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.domain.stranger_spread import SpreadCorrection
from training.voice.conditions import learned
from training.voice.kept import KeptVoices, voice_arguments
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
JOINED = (10,)
DIRECTIONS = 8
# Of the ten clips of a person the one that is also heard under each condition to learn from.
CHANGED = 1
LONGEST_S = 30.0
REFERENCE_S = 2.5
SHORTEST_S = 2.0
_EDGES_S = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 9.0, 12.0, 18.0)
_LEAST_IN_BIN = 2000
_RESAMPLES = 200
_CAUTION = 0.65
_NARROW_HZ = 4500.0


@dataclass(frozen=True, slots=True)
class Fit:
    """``cohort``: for ``without_common``. ``points``: FMR -> corrected cosine."""

    cohort: NDArray[np.float32]
    correction: SpreadCorrection
    points: dict[float, float]
    strangers: Scores


@dataclass(frozen=True, slots=True)
class Lessons:
    """``lengths``: the same people with short and with long recordings: clips, and ten of them
    joined. ``conditions``: a clip of each person under each condition that may be learnt."""

    lengths: tuple[Voices, ...]
    conditions: Mapping[str, Voices]

    def of(self, speakers: NDArray[np.str_]) -> Lessons:
        return Lessons(
            tuple(only(voices, speakers) for voices in self.lengths),
            {name: only(voices, speakers) for name, voices in self.conditions.items()},
        )

    def cohort(self) -> Cohort:
        return Cohort.of(self.lengths[0], [*self.conditions.values()], directions=DIRECTIONS)


def only(voices: Voices, speakers: NDArray[np.str_]) -> Voices:
    return voices.of(np.isin(voices.speakers, speakers))


def lessons_of(short: Sequence[Recording], networks: Networks, kept: KeptVoices) -> Lessons:
    """``short``: clips, ten of a person."""
    numbers = range(CHANGED, len(short), 10)
    conditions = {
        name: kept.of(name, partial(voices_of, short, networks, change, numbers=numbers))
        for name, change in learned().items()
    }
    longer = {1: short, **{number: joined_by(short, number) for number in JOINED}}
    lengths = tuple(
        kept.of(f"joined {number}", partial(voices_of, recordings, networks))
        for number, recordings in longer.items()
    )
    return Lessons(lengths, conditions)


def fit(lessons: Lessons) -> Fit:
    """Cohort, slope and thresholds for the people of ``lessons``."""
    cohort = lessons.cohort()
    parts = [
        scores_between(first, second, cohort)
        for first, second in combinations_with_replacement(lessons.lengths, 2)
    ]
    scores = Scores.all_of(parts)
    strangers = scores.only(~scores.mated)
    correction = _with_narrow(_correction(strangers), lessons, cohort)
    points = cautious_thresholds(strangers, strangers.corrected(correction))
    return Fit(cohort.without(), correction, points, strangers)


def _correction(strangers: Scores) -> SpreadCorrection:
    """The slope at which strangers match equally often at all durations."""
    corrections = [
        SpreadCorrection(float(slope), REFERENCE_S, LONGEST_S, SHORTEST_S) for slope in SLOPES
    ]
    return min(corrections, key=lambda correction: _unevenness(strangers, correction))


def _with_narrow(
    correction: SpreadCorrection, lessons: Lessons, cohort: Cohort
) -> SpreadCorrection:
    """The shares at which strangers over one and over two telephones match as often as others."""
    clip = lessons.lengths[0]
    narrow = [v for v in lessons.conditions.values() if np.median(v.bandwidth_hz) < _NARROW_HZ]
    usual = _highest(scores_between(clip, clip, cohort), correction)
    both = [_highest(scores_between(v, v, cohort), correction) / usual - 1 for v in narrow]
    one = [_highest(scores_between(clip, v, cohort), correction) / usual - 1 for v in narrow]
    return replace(
        correction, both_narrow=round(max(both), 3), one_narrow=round(float(np.mean(one)), 3)
    )


def _highest(scores: Scores, correction: SpreadCorrection) -> float:
    """What one pair of strangers in a hundred reaches."""
    return float(np.quantile(scores.only(~scores.mated).corrected(correction), 0.99))


def _unevenness(strangers: Scores, correction: SpreadCorrection) -> float:
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
    for name, correction in (("without", SpreadCorrection()), ("with", found.correction)):
        scores = found.strangers.corrected(correction)
        typical = np.isin(bins, (3, 4))
        threshold = np.quantile(scores[typical], 0.99)
        rates = [f"{(scores[bins == b] >= threshold).mean():.2%}" for b in np.unique(bins)]
        print(f"FMR {name} the correction, from {_EDGES_S} s on: {', '.join(rates)}")


def main() -> None:
    given = voice_arguments(__doc__)
    networks = open_voice_networks(given.weights)
    short = clips(read_recordings(given.recordings), networks, CLIP_S)
    found = fit(lessons_of(short, networks, KeptVoices(given.kept)))
    np.save(COHORT, found.cohort, allow_pickle=False)
    for field in fields(found.correction):
        print(f"spread_{field.name} = {getattr(found.correction, field.name)}")
    print(f"pairs = {len(found.strangers.cosine)}")
    report_durations(found)
    for fmr, cosine in found.points.items():
        print(f"{{ fmr = {fmr:g}, cosine = {cosine:.4f} }},")


if __name__ == "__main__":
    main()
