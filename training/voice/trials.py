"""Recordings of the development set as the voice pipeline sees them, and scores between them.

Shared by the fit (fit_ge2e.py) and the measurement (benchmarks/voice_accuracy.py).
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
from perse.domain.voices import DurationCorrection
from perse.models.catalog import load_catalog
from perse.models.ge2e import Ge2eSpeakerEmbedder, joined, unit
from perse.models.session import open_session
from perse.models.silero_vad import SileroSpeechDetector
from perse.models.sources import WeightStore

RATE_HZ = 16_000
CLIP_S = 3.5
LEAST_SPEECH_S = 1.0
_BEFORE_SPEECH_S = 0.25

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Networks:
    detector: SileroSpeechDetector
    embedder: Ge2eSpeakerEmbedder


@dataclass(frozen=True, slots=True)
class Recording:
    speaker: str
    sample: VoiceSample


@dataclass(frozen=True, slots=True)
class Voices:
    """``views``: n x 2 x 256 before centring. ``net_s``: net speech. ``sources``: number of the
    recording in its list. ``lost``: how many had too little speech (failures to acquire)."""

    speakers: NDArray[np.str_]
    sources: NDArray[np.int64]
    views: NDArray[np.float32]
    net_s: Floats
    lost: int

    def of(self, chosen: NDArray[np.bool_]) -> Voices:
        return Voices(
            self.speakers[chosen],
            self.sources[chosen],
            self.views[chosen],
            self.net_s[chosen],
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
    """The networks of the offline and standard packs, fetched into ``weights`` where missing."""
    store = WeightStore(weights, mirror=None, offline=False)
    catalog = load_catalog()
    silero, ge2e = catalog.card("silero_vad"), catalog.card("ge2e")
    nothing = np.zeros((2, 256), dtype=np.float32)
    return Networks(
        SileroSpeechDetector(open_session(store.obtain(silero)), silero.name),
        Ge2eSpeakerEmbedder(open_session(store.obtain(ge2e)), ge2e.name, cohort=nothing),
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
) -> Voices:
    """Views of each recording after ``change``; those with under 1 s of speech are lost."""
    kept: list[tuple[str, int, NDArray[np.float32], float]] = []
    for number, recording in enumerate(recordings):
        sample = change(recording.sample)
        speech = networks.detector.detect(sample)
        net_s = net_speech_s(speech)
        if net_s >= LEAST_SPEECH_S:
            kept.append((recording.speaker, number, networks.embedder.views(sample, speech), net_s))
    speakers, sources, views, net = zip(*kept, strict=True)
    return Voices(
        np.array(speakers),
        np.array(sources),
        np.stack(views),
        np.array(net),
        len(recordings) - len(kept),
    )


def scores_between(first: Voices, second: Voices, cohort: Voices) -> Scores:
    """Every pair of ``first`` and ``second`` once; a set with itself: no recording with itself.

    The cohort mean of a pair leaves out both its speakers.
    """
    same = first is second
    means = SpeakerMeans.of(cohort)
    ours, theirs = _by_speaker(first), _by_speaker(second)
    parts = [
        _scored(ours[one], theirs[other], means.without(one, other), half=same and one == other)
        for one in ours
        for other in theirs
        if not same or one <= other
    ]
    return Scores.all_of(parts)


@dataclass(frozen=True, slots=True)
class SpeakerMeans:
    """The mean views of each speaker, 2 x 256; in a cohort every speaker counts the same."""

    by_speaker: dict[str, NDArray[np.float32]]

    @classmethod
    def of(cls, cohort: Voices) -> SpeakerMeans:
        groups = _by_speaker(cohort)
        return cls({speaker: group.views.mean(axis=0) for speaker, group in groups.items()})

    def without(self, *speakers: str) -> NDArray[np.float32]:
        every = sum(self.by_speaker.values())
        left_out = {s: self.by_speaker[s] for s in speakers if s in self.by_speaker}
        rest = every - sum(left_out.values(), np.zeros((2, 256), np.float32))
        return np.asarray(rest / (len(self.by_speaker) - len(left_out)), dtype=np.float32)


def _by_speaker(voices: Voices) -> dict[str, Voices]:
    return {str(s): voices.of(voices.speakers == s) for s in np.unique(voices.speakers)}


def _scored(first: Voices, second: Voices, mean: NDArray[np.float32], *, half: bool) -> Scores:
    cosines = templates(first.views, mean) @ templates(second.views, mean).T
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


def templates(views: NDArray[np.float32], mean: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(unit(joined(views - mean)))
