"""Recordings of the development set as the voice pipeline sees them, and scores between them.

Shared by the fit (fit_campplus.py) and the measurement (benchmarks/voice_accuracy.py).
Non-mated pairs are always scored with a cohort that neither speaker belongs to.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.domain.speech import net_speech_s
from perse.domain.voice_quality import assess_voice
from perse.domain.voices import DurationCorrection
from perse.networks.campplus import (
    CONDITIONS,
    FEATURES,
    CampplusSpeakerEmbedder,
    condition_weights,
)
from perse.networks.session import open_session
from perse.networks.silero_vad import SileroSpeechDetector
from perse.weights.catalogue import load_catalog
from perse.weights.store import WeightStore

RATE_HZ = 16_000
CLIP_S = 3.5
LEAST_SPEECH_S = 1.0
_BEFORE_SPEECH_S = 0.25

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Networks:
    detector: SileroSpeechDetector
    embedder: CampplusSpeakerEmbedder


@dataclass(frozen=True, slots=True)
class Recording:
    speaker: str
    sample: VoiceSample


@dataclass(frozen=True, slots=True)
class Voices:
    """``features``: n x 192 before centring. ``net_s``: net speech. ``sources``: number of the
    recording in its list. ``conditions``: n x 10, as the embedder weighs the cohort's means.
    ``lost``: how many had too little speech (failures to acquire)."""

    speakers: NDArray[np.str_]
    sources: NDArray[np.int64]
    features: NDArray[np.float32]
    net_s: Floats
    conditions: NDArray[np.float32]
    lost: int

    def of(self, chosen: NDArray[np.bool_]) -> Voices:
        return Voices(
            self.speakers[chosen],
            self.sources[chosen],
            self.features[chosen],
            self.net_s[chosen],
            self.conditions[chosen],
            self.lost,
        )


@dataclass(frozen=True, slots=True)
class Scores:
    """One row a pair: both speakers, the cosine and both net durations."""

    first: NDArray[np.str_]
    second: NDArray[np.str_]
    cosine: Floats
    first_s: Floats
    second_s: Floats

    @property
    def mated(self) -> NDArray[np.bool_]:
        return np.asarray(self.first == self.second)

    @property
    def effective_s(self) -> Floats:
        """Harmonic mean of both net durations."""
        return 2 / (1 / self.first_s + 1 / self.second_s)

    def corrected(self, correction: DurationCorrection) -> Floats:
        """As ``DurationCorrection.corrected``, for all pairs at once."""
        bounded = np.clip(self.effective_s, correction.shortest_s, correction.longest_s)
        spread = 1 + correction.slope * np.log(bounded / correction.reference_s)
        return np.asarray(np.clip(self.cosine / spread, -1, 1))

    @staticmethod
    def all_of(parts: Sequence[Scores]) -> Scores:
        return Scores(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("first", "second", "cosine", "first_s", "second_s")
            )
        )


def open_voice_networks(weights: Path) -> Networks:
    """The networks of the packs, fetched into ``weights`` where missing."""
    store = WeightStore(weights, mirror=None, offline=False)
    catalog = load_catalog()
    silero, campplus = catalog.card("silero_vad"), catalog.card("campplus")
    nothing = np.zeros((CONDITIONS, FEATURES), dtype=np.float32)
    return Networks(
        SileroSpeechDetector(open_session(store.obtain(silero)), silero.name),
        CampplusSpeakerEmbedder(
            open_session(store.obtain(campplus)), campplus.name, cohort=nothing
        ),
    )


def read_recordings(folder: Path) -> list[Recording]:
    """The set's recordings, FLAC of 16 kHz, which the product itself does not take."""
    with (folder / "utterances.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        Recording(
            row["speaker"],
            VoiceSample(sf.read(folder / row["path"], dtype="float32")[0], RATE_HZ),
        )
        for row in rows
    ]


def clips(recordings: Sequence[Recording], networks: Networks, seconds: float) -> list[Recording]:
    """From a quarter of a second before the first speech, at most ``seconds`` of each."""
    return [Recording(r.speaker, _clip(r.sample, networks.detector, seconds)) for r in recordings]


def _clip(sample: VoiceSample, detector: SileroSpeechDetector, seconds: float) -> VoiceSample:
    speech = detector.detect(sample)
    start_s = max(0.0, speech[0].start_s - _BEFORE_SPEECH_S) if speech else 0.0
    start = round(start_s * RATE_HZ)
    return VoiceSample(sample.samples[start : start + round(seconds * RATE_HZ)], RATE_HZ)


def joined_by(recordings: Sequence[Recording], number: int) -> list[Recording]:
    """``number`` recordings of a speaker after one another, as often as there are enough."""
    by_speaker: dict[str, list[VoiceSample]] = {}
    for recording in recordings:
        by_speaker.setdefault(recording.speaker, []).append(recording.sample)
    return [
        Recording(speaker, _in_a_row(samples[first : first + number]))
        for speaker, samples in by_speaker.items()
        for first in range(0, len(samples) - number + 1, number)
    ]


def _in_a_row(samples: Sequence[VoiceSample]) -> VoiceSample:
    return VoiceSample(np.concatenate([sample.samples for sample in samples]), RATE_HZ)


def voices_of(
    recordings: Sequence[Recording],
    networks: Networks,
    change: Callable[[VoiceSample], VoiceSample] = lambda sample: sample,
    *,
    numbers: Sequence[int] | None = None,
) -> Voices:
    """Features of each recording after ``change``; those with under 1 s of speech are lost.

    ``numbers``: which recordings only, by their place in the list.
    """
    kept: list[tuple[str, int, NDArray[np.float32], float, NDArray[np.float32]]] = []
    numbers = range(len(recordings)) if numbers is None else numbers
    for number in numbers:
        recording = recordings[number]
        sample = change(recording.sample)
        speech = networks.detector.detect(sample)
        net_s = net_speech_s(speech)
        if net_s >= LEAST_SPEECH_S:
            features = networks.embedder.features(sample, speech)
            weights = condition_weights(assess_voice(sample, speech))
            kept.append((recording.speaker, number, features, net_s, weights))
    return Voices(
        np.array([row[0] for row in kept]),
        np.array([row[1] for row in kept]),
        np.array([row[2] for row in kept]),
        np.array([row[3] for row in kept]),
        np.array([row[4] for row in kept]),
        len(numbers) - len(kept),
    )


@dataclass(frozen=True, slots=True)
class Cohort:
    """Mean features of each speaker under each condition: speakers x conditions x 192.

    Every speaker counts the same.
    """

    speakers: tuple[str, ...]
    means: NDArray[np.float32]

    @classmethod
    def of(cls, conditions: Sequence[Voices]) -> Cohort:
        """From the same people under each condition, in the order of ``condition_weights``."""
        everywhere = set.intersection(*({*voices.speakers.tolist()} for voices in conditions))
        speakers = tuple(sorted(everywhere))
        means = [
            [voices.features[voices.speakers == speaker].mean(axis=0) for voices in conditions]
            for speaker in speakers
        ]
        return cls(speakers, np.array(means, dtype=np.float32))

    def without(self, *left_out: str) -> NDArray[np.float32]:
        """Conditions x 192, over all speakers but those."""
        rows = [self.speakers.index(s) for s in {*left_out} if s in self.speakers]
        rest = self.means.sum(axis=0) - self.means[rows].sum(axis=0)
        return np.asarray(rest / (len(self.speakers) - len(rows)), dtype=np.float32)

    def only(self, speakers: NDArray[np.str_]) -> Cohort:
        kept = [row for row, speaker in enumerate(self.speakers) if speaker in speakers]
        return Cohort(tuple(self.speakers[row] for row in kept), self.means[kept])


def scores_between(first: Voices, second: Voices, cohort: Cohort) -> Scores:
    """Every pair of ``first`` and ``second`` once; a set with itself: no recording with itself.

    The cohort means of a pair leave out both its speakers.
    """
    same = first is second
    ours, theirs = _by_speaker(first), _by_speaker(second)
    parts = [
        _scored(ours[one], theirs[other], cohort.without(one, other), half=same and one == other)
        for one in ours
        for other in theirs
        if not same or one <= other
    ]
    return Scores.all_of(parts)


def _by_speaker(voices: Voices) -> dict[str, Voices]:
    return {str(s): voices.of(voices.speakers == s) for s in np.unique(voices.speakers)}


def _scored(first: Voices, second: Voices, means: NDArray[np.float32], *, half: bool) -> Scores:
    cosines = templates(first, means) @ templates(second, means).T
    rows, columns = (
        np.triu_indices(len(cosines), 1) if half else np.indices(cosines.shape).reshape(2, -1)
    )
    return Scores(
        first.speakers[rows],
        second.speakers[columns],
        cosines[rows, columns].astype(np.float64),
        first.net_s[rows],
        second.net_s[columns],
    )


def templates(voices: Voices, means: NDArray[np.float32]) -> NDArray[np.float32]:
    """n x 192, unit vectors. ``means``: conditions x 192."""
    centred = voices.features - voices.conditions @ means
    return np.asarray(centred / np.linalg.norm(centred, axis=1, keepdims=True), np.float32)
