"""Error rates of the voice pipeline on people it was not fitted to.

    python -m benchmarks.voice_accuracy --recordings ../shared/data/voice_dev --weights data/weights

Five folds by speaker, several times over: cohort, duration slope and thresholds are fitted on four
folds and judged on the fifth. Intervals: 95 %, by resampling speakers. The set's recordings of a
speaker were made in one session, so rates across days and microphones are worse than these.
"""

from __future__ import annotations

import argparse
import datetime
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.media.audio_decoder import decode_audio
from training.voice.fit_ge2e import Fit, fit
from training.voice.trials import (
    CLIP_S,
    RATE_HZ,
    Floats,
    Scores,
    Voices,
    clips,
    joined_by,
    open_voice_networks,
    read_recordings,
    templates,
    voices_of,
)

FOLDS = 5
REPEATS = 3
RESAMPLES = 300
JUDGED_AT = (1e-2, 1e-3)

Change = Callable[[VoiceSample], VoiceSample]


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


def telephone(sample: VoiceSample) -> VoiceSample:
    """Through a WAV file of 8 kHz and µ-law."""
    narrow = soxr.resample(sample.samples, RATE_HZ, 8000)
    return _through(narrow, 8000, "WAV", "ULAW")


def opus(sample: VoiceSample) -> VoiceSample:
    """Through an Opus file of about 16 kbit/s."""
    return _through(sample.samples, RATE_HZ, "OGG", "OPUS", compression_level=0.96)


def noisy(sample: VoiceSample) -> VoiceSample:
    """With pink noise 10 dB below the recording's mean power."""
    chance = np.random.default_rng(len(sample.samples))
    spectrum = np.fft.rfft(chance.normal(size=len(sample.samples)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    pink = np.fft.irfft(spectrum, len(sample.samples))
    power = float(np.mean(np.square(sample.samples, dtype=np.float64)))
    noise = pink * np.sqrt(power / 10 / np.mean(pink**2))
    return VoiceSample(np.clip(sample.samples + noise, -1, 1).astype(np.float32), RATE_HZ)


def _through(
    samples: NDArray[np.float32], rate_hz: int, kind: str, subtype: str, **options: float
) -> VoiceSample:
    file = io.BytesIO()
    sf.write(file, samples, rate_hz, format=kind, subtype=subtype, **options)
    return decode_audio(file.getvalue())


def judge_all(
    trials: dict[str, tuple[Voices, Voices]], lengths: Sequence[Voices]
) -> dict[str, Judged]:
    """Every trial between held-out speakers, each fold by what the other folds taught."""
    judged: dict[str, list[Judged]] = {name: [] for name in trials}
    speakers = np.unique(lengths[0].speakers)
    for repeat in range(REPEATS):
        fold_of = np.random.default_rng(repeat).permutation(len(speakers)) % FOLDS
        for fold in range(FOLDS):
            held_out = speakers[fold_of == fold]
            taught = fit([v.of(~np.isin(v.speakers, held_out)) for v in lengths])
            for name, (first, second) in trials.items():
                judged[name].append(_judge(_of(first, held_out), _of(second, held_out), taught))
        print(f"round {repeat + 1} of {REPEATS} done", flush=True)
    return {name: Judged.all_of(parts) for name, parts in judged.items()}


def _of(voices: Voices, speakers: NDArray[np.str_]) -> Voices:
    return voices.of(np.isin(voices.speakers, speakers))


def _judge(first: Voices, second: Voices, taught: Fit) -> Judged:
    """No recording is compared with itself, in whatever version."""
    cosines = templates(first.views, taught.cohort) @ templates(second.views, taught.cohort).T
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
    given = parser.parse_args()
    networks = open_voice_networks(given.weights)
    recordings = read_recordings(given.recordings)
    short = clips(recordings, networks, CLIP_S)
    lengths = [
        voices_of(chosen, networks)
        for chosen in (short, *(joined_by(short, number) for number in (2, 3, 5)))
    ]
    clip, joined = lengths[0], lengths[2]
    changed = {change.__name__: voices_of(short, networks, change) for change in CHANGES}
    whole = voices_of(recordings, networks)
    print(
        f"{datetime.date.today()}: {len(short)} recordings, {len(np.unique(clip.speakers))} people"
    )
    for name, voices in {"clip": clip, "whole": whole, **changed}.items():
        print(
            f"{name}: net speech median {np.median(voices.net_s):.2f} s, too little {voices.lost}"
        )
    trials = {
        "clips of 3.5 s": (clip, clip),
        "whole recordings": (whole, whole),
        "three clips joined": (joined, joined),
        **{f"clip against clip, {name}": (clip, voices) for name, voices in changed.items()},
    }
    for name, judged in judge_all(trials, lengths).items():
        report(name, judged)


CHANGES: tuple[Change, ...] = (telephone, opus, noisy)

if __name__ == "__main__":
    main()
