"""Error rates of the voice pipeline on people it was not fitted to.

    python -m benchmarks.voice_accuracy --recordings ../shared/data/voice_dev --weights data/weights

Five folds by speaker, several times over: cohort, duration slope and thresholds are fitted on four
folds and judged on the fifth. Intervals: 95 %, by resampling speakers. The set's recordings of a
speaker were made in one session, so rates across days and microphones are worse than these.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from training.voice.conditions import held_out
from training.voice.fit_campplus import Fit, Lessons, fit, lessons_of, only
from training.voice.kept import KeptVoices, voice_arguments
from training.voice.trials import (
    CLIP_S,
    Floats,
    Scores,
    Voices,
    clips,
    open_voice_networks,
    read_recordings,
    scores_of,
    templates,
    voices_of,
)

FOLDS = 5
REPEATS = 2
RESAMPLES = 60
JUDGED_AT = (1e-2, 1e-3)
# Of the ten clips of a person those that are heard under each condition.
CHANGED = (1, 5)

Trials = dict[str, tuple[Voices, Voices]]


@dataclass(frozen=True, slots=True)
class Judged:
    """Pairs of held-out speakers. ``cosine`` is corrected; ``match``: FMR -> decision."""

    scores: Scores
    cosine: Floats
    match: dict[float, NDArray[np.bool_]]

    @staticmethod
    def all_of(parts: Sequence[Judged]) -> Judged:
        return Judged(
            Scores.all_of([part.scores for part in parts]),
            np.concatenate([part.cosine for part in parts]),
            {fmr: np.concatenate([part.match[fmr] for part in parts]) for fmr in JUDGED_AT},
        )


def judge_all(trials: Trials, lessons: Lessons) -> dict[str, Judged]:
    """Every trial between held-out speakers, each fold by what the other folds taught."""
    judged: dict[str, list[Judged]] = {name: [] for name in trials}
    speakers = np.unique(lessons.lengths[0].speakers)
    for repeat in range(REPEATS):
        fold_of = np.random.default_rng(repeat).permutation(len(speakers)) % FOLDS
        for fold in range(FOLDS):
            held = speakers[fold_of == fold]
            taught = fit(lessons.of(np.setdiff1d(speakers, held)))
            for name, (first, second) in trials.items():
                judged[name].append(_judge(only(first, held), only(second, held), taught))
        print(f"round {repeat + 1} of {REPEATS} done", flush=True)
    return {name: Judged.all_of(parts) for name, parts in judged.items()}


def _judge(first: Voices, second: Voices, taught: Fit) -> Judged:
    """No recording is compared with itself, in whatever version."""
    cosines = templates(first, taught.cohort) @ templates(second, taught.cohort).T
    rows, columns = np.nonzero(first.sources[:, np.newaxis] < second.sources[np.newaxis])
    scores = scores_of(first, second, cosines, (rows, columns))
    corrected = scores.corrected(taught.correction)
    return Judged(scores, corrected, {fmr: corrected >= taught.points[fmr] for fmr in JUDGED_AT})


def report(name: str, judged: Judged) -> None:
    mated = judged.scores.mated
    print(f"{name}: {mated.sum() // REPEATS} mated, {(~mated).sum() // REPEATS} non-mated pairs")
    drawn = [_figures(judged, weights) for weights in _resampled(judged.scores)]
    for label, value in _figures(judged, np.ones(len(mated))).items():
        low, high = np.quantile([figures[label] for figures in drawn], (0.025, 0.975))
        print(f"    {label}: {value:.3%} ({low:.3%} .. {high:.3%})")


def _figures(judged: Judged, weights: Floats) -> dict[str, float]:
    mated = judged.scores.mated
    figures = {"EER": _eer(judged.cosine, mated, weights)} if mated.any() else {}
    for fmr, match in judged.match.items():
        figures[f"FMR at {fmr:g}"] = _share(match[~mated], weights[~mated])
        if mated.any():
            figures[f"FNMR at {fmr:g}"] = _share(~match[mated], weights[mated])
    return figures


def _resampled(scores: Scores) -> Iterator[Floats]:
    """How often each pair counts when the speakers are drawn anew, with replacement."""
    speakers, coded = np.unique(np.concatenate([scores.first, scores.second]), return_inverse=True)
    first, second = coded.reshape(2, -1)
    chance = np.random.default_rng(9)
    for _ in range(RESAMPLES):
        drawn = np.bincount(
            chance.integers(0, len(speakers), len(speakers)), minlength=len(speakers)
        )
        yield np.where(first == second, drawn[first], drawn[first] * drawn[second]).astype(float)


def _share(decisions: NDArray[np.bool_], weights: Floats) -> float:
    return float(weights[decisions].sum() / weights.sum())


def _eer(scores: Floats, mated: NDArray[np.bool_], weights: Floats) -> float:
    order = np.argsort(scores)
    weight, is_mated = weights[order], mated[order]
    fnmr = np.cumsum(weight * is_mated) / weight[is_mated].sum()
    fmr = 1 - np.cumsum(weight * ~is_mated) / weight[~is_mated].sum()
    nearest = int(np.argmin(np.abs(fnmr - fmr)))
    return float(fnmr[nearest] + fmr[nearest]) / 2


def main() -> None:
    given = voice_arguments(__doc__)
    networks, kept = open_voice_networks(given.weights), KeptVoices(given.kept)
    short = clips(read_recordings(given.recordings), networks, CLIP_S)
    lessons = lessons_of(short, networks, kept)
    numbers = [number for number in range(len(short)) if number % 10 in CHANGED]
    conditions = held_out([recording.sample for recording in short])
    unknown = {
        name: kept.of(name, partial(voices_of, short, networks, change, numbers=numbers))
        for name, change in conditions.items()
    }
    clip, joined = lessons.lengths
    print(
        f"{datetime.date.today()}: {len(short)} recordings, {len(np.unique(clip.speakers))} people"
    )
    trials = trials_of(clip, joined, lessons.conditions, unknown)
    for name, judged in judge_all(trials, lessons).items():
        report(name, judged)


def trials_of(
    clip: Voices, joined: Voices, known: Mapping[str, Voices], unknown: Mapping[str, Voices]
) -> Trials:
    """Both recordings under a condition, and one of them."""
    both = {f"both {name}": (voices, voices) for name, voices in {**unknown, **known}.items()}
    one = {f"clip against {name}": (clip, voices) for name, voices in {**unknown, **known}.items()}
    return {"clips of 3.5 s": (clip, clip), "ten clips joined": (joined, joined), **both, **one}


if __name__ == "__main__":
    main()
