"""Error rates of the voice pipeline on people it was not fitted to.

    python -m benchmarks.voice_accuracy --recordings ../shared/data/voice_dev --weights data/weights

Five folds by speaker, several times over: cohort, duration slope and thresholds are fitted on four
folds and judged on the fifth. Intervals: 95 %, by resampling speakers. The set's recordings of a
speaker were made in one session, so rates across days and microphones are worse than these.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.networks.campplus import SNR_KNOTS_DB
from training.voice.degradations import babble_of, opus, pink, telephone, with_noise
from training.voice.fit_campplus import Fit, Lessons, fit, lessons_of
from training.voice.trials import (
    CLIP_S,
    Floats,
    Recording,
    Scores,
    Voices,
    clips,
    open_voice_networks,
    read_recordings,
    templates,
    voices_of,
)

FOLDS = 5
REPEATS = 2
BRIEF_S = 1.9
RESAMPLES = 60
JUDGED_AT = (1e-2, 1e-3)


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


def judge_all(trials: dict[str, tuple[Voices, Voices]], lessons: Lessons) -> dict[str, Judged]:
    """Every trial between held-out speakers, each fold by what the other folds taught."""
    judged: dict[str, list[Judged]] = {name: [] for name in trials}
    speakers = np.unique(lessons.lengths[0].speakers)
    for repeat in range(REPEATS):
        fold_of = np.random.default_rng(repeat).permutation(len(speakers)) % FOLDS
        for fold in range(FOLDS):
            held_out = speakers[fold_of == fold]
            taught = fit(lessons.of(np.setdiff1d(speakers, held_out)))
            for name, (first, second) in trials.items():
                judged[name].append(_judge(_of(first, held_out), _of(second, held_out), taught))
        print(f"round {repeat + 1} of {REPEATS} done", flush=True)
    return {name: Judged.all_of(parts) for name, parts in judged.items()}


def _of(voices: Voices, speakers: NDArray[np.str_]) -> Voices:
    return voices.of(np.isin(voices.speakers, speakers))


def _judge(first: Voices, second: Voices, taught: Fit) -> Judged:
    """No recording is compared with itself, in whatever version."""
    cosines = templates(first, taught.cohort) @ templates(second, taught.cohort).T
    rows, columns = np.nonzero(first.sources[:, np.newaxis] < second.sources[np.newaxis])
    scores = Scores(
        first.speakers[rows],
        second.speakers[columns],
        cosines[rows, columns].astype(np.float64),
        first.net_s[rows],
        second.net_s[columns],
    )
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
    figures = {"EER": _eer(judged.cosine, mated, weights)}
    for fmr, match in judged.match.items():
        figures[f"FMR at {fmr:g}"] = _share(match[~mated], weights[~mated])
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument(
        "--one-mean",
        action="store_true",
        help="take off the mean of clean clips only",
    )
    given = parser.parse_args()
    networks = open_voice_networks(given.weights)
    recordings = read_recordings(given.recordings)
    short = clips(recordings, networks, CLIP_S)
    lessons = lessons_of(short, networks)
    clip, joined, *_ = lessons.lengths
    every_other = range(1, len(short), 2)
    changed = {
        name: voices_of(short, networks, change, numbers=every_other)
        for name, change in changes(short).items()
    }
    print(
        f"{datetime.date.today()}: {len(short)} recordings, {len(np.unique(clip.speakers))} people"
    )
    for name, voices in {"clip": clip, **changed}.items():
        print(
            f"{name}: net speech median {np.median(voices.net_s):.2f} s, too little {voices.lost}"
        )
    brief = voices_of(short, networks, _beginning, numbers=range(0, len(short), 2))
    trials = {
        "clips of 3.5 s": (clip, clip),
        f"clips of {BRIEF_S} s": (brief, brief),
        "three clips joined": (joined, joined),
        **{f"clip against {name}": (clip, voices) for name, voices in changed.items()},
        **{f"both {name}": (voices, voices) for name, voices in changed.items()},
    }
    if given.one_mean:
        trials = {name: (_as_if_clean(a), _as_if_clean(b)) for name, (a, b) in trials.items()}
        lessons = Lessons(lessons.cohort, tuple(_as_if_clean(v) for v in lessons.lengths))
    for name, judged in judge_all(trials, lessons).items():
        report(name, judged)


def _beginning(sample: VoiceSample) -> VoiceSample:
    return VoiceSample(sample.samples[: round(BRIEF_S * sample.rate_hz)], sample.rate_hz)


def _as_if_clean(voices: Voices) -> Voices:
    clean = np.zeros_like(voices.conditions)
    clean[:, len(SNR_KNOTS_DB) - 1] = 1
    return replace(voices, conditions=clean)


def changes(short: Sequence[Recording]) -> dict[str, Callable[[VoiceSample], VoiceSample]]:
    """Noises with other seeds than those of the fit."""
    babble = babble_of([recording.sample for recording in short])
    return {
        "telephone": telephone,
        "opus of 16 kbit/s": opus,
        "pink noise at 10 dB": partial(with_noise, noise=pink, snr_db=10, seed=7),
        "babble at 10 dB": partial(with_noise, noise=babble, snr_db=10, seed=7),
        "pink noise at 20 dB": partial(with_noise, noise=pink, snr_db=20, seed=7),
    }


if __name__ == "__main__":
    main()
