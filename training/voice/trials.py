"""Recordings of the development set as the voice pipeline sees them, and scores between them.

Shared by the fit (fit_campplus.py) and the measurement (benchmarks/voice_accuracy.py).
Non-mated pairs are always scored with a cohort that neither speaker belongs to.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.domain.speech import net_speech_s
from perse.domain.stranger_spread import RecordedMany, SpreadCorrection
from perse.domain.voice_quality import VoiceQuality, assess_voice
from perse.networks.campplus import (
    FEATURES,
    CampplusSpeakerEmbedder,
    without_common,
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
    """One row a recording, n in all. ``features``: n x 192 as the network gives them. ``sources``:
    number of the recording in its list. ``net_s``, ``snr_db``, ``bandwidth_hz``: as the product
    measures them. ``parts``: features of the parts of all recordings, ``part_of``: the row that
    each belongs to. ``lost``: how many had too little speech (failures to acquire)."""

    speakers: NDArray[np.str_]
    sources: NDArray[np.int64]
    features: NDArray[np.float32]
    net_s: Floats
    snr_db: Floats
    bandwidth_hz: Floats
    parts: NDArray[np.float32]
    part_of: NDArray[np.int64]
    lost: int

    def of(self, chosen: NDArray[np.bool_]) -> Voices:
        place = np.cumsum(chosen) - 1
        kept = chosen[self.part_of]
        return Voices(
            self.speakers[chosen],
            self.sources[chosen],
            self.features[chosen],
            self.net_s[chosen],
            self.snr_db[chosen],
            self.bandwidth_hz[chosen],
            self.parts[kept],
            place[self.part_of[kept]],
            self.lost,
        )


@dataclass(frozen=True, slots=True)
class Scores:
    """One row a pair: both speakers, the cosine, and what is known of both recordings."""

    first: NDArray[np.str_]
    second: NDArray[np.str_]
    cosine: Floats
    first_s: Floats
    second_s: Floats
    first_hz: Floats
    second_hz: Floats

    @property
    def mated(self) -> NDArray[np.bool_]:
        return np.asarray(self.first == self.second)

    @property
    def effective_s(self) -> Floats:
        """Harmonic mean of both net durations."""
        return 2 / (1 / self.first_s + 1 / self.second_s)

    def corrected(self, correction: SpreadCorrection) -> Floats:
        first = RecordedMany(self.first_s, self.first_hz)
        second = RecordedMany(self.second_s, self.second_hz)
        return np.asarray(correction.corrected(self.cosine, first, second), np.float64)

    def only(self, chosen: NDArray[np.bool_]) -> Scores:
        return Scores(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @staticmethod
    def all_of(parts: Sequence[Scores]) -> Scores:
        return Scores(
            *(
                np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(Scores)
            )
        )


def open_voice_networks(weights: Path) -> Networks:
    """The networks of the packs, fetched into ``weights`` where missing."""
    store = WeightStore(weights, mirror=None, offline=False)
    catalog = load_catalog()
    silero, campplus = catalog.card("silero_vad"), catalog.card("campplus")
    nothing, nobody = np.zeros((1, FEATURES), np.float32), np.zeros(FEATURES + 2, np.float32)
    return Networks(
        SileroSpeechDetector(open_session(store.obtain(silero)), silero.name),
        CampplusSpeakerEmbedder(
            open_session(store.obtain(campplus)), campplus.name, cohort=nothing, crowd=nobody
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
    numbers = range(len(recordings)) if numbers is None else numbers
    heard = [_heard(change(recordings[number].sample), networks) for number in numbers]
    kept = [(number, one) for number, one in zip(numbers, heard, strict=True) if one is not None]
    return Voices(
        speakers=np.array([recordings[number].speaker for number, _ in kept], dtype=str),
        sources=np.array([number for number, _ in kept], dtype=np.int64),
        features=np.array([one.features for _, one in kept], np.float32).reshape(-1, FEATURES),
        net_s=np.array([one.quality.net_speech_s for _, one in kept]),
        snr_db=np.array([one.quality.snr_db for _, one in kept]),
        bandwidth_hz=np.array([one.quality.bandwidth_hz for _, one in kept]),
        parts=np.concatenate([np.empty((0, FEATURES), np.float32), *(o.parts for _, o in kept)]),
        part_of=np.repeat(np.arange(len(kept)), [len(one.parts) for _, one in kept]),
        lost=len(heard) - len(kept),
    )


@dataclass(frozen=True, slots=True)
class _Heard:
    features: NDArray[np.float32]
    parts: NDArray[np.float32]
    quality: VoiceQuality


def _heard(sample: VoiceSample, networks: Networks) -> _Heard | None:
    speech = networks.detector.detect(sample)
    if net_speech_s(speech) < LEAST_SPEECH_S:
        return None
    features, parts = networks.embedder.features(sample, speech)
    return _Heard(features, parts, assess_voice(sample, speech))


@dataclass(frozen=True, slots=True)
class Cohort:
    """What many people's features have in common. ``means``: speakers x 192, of their recordings
    as they are; every speaker counts the same. ``directions``: k x 192, orthonormal, in which
    noise, rooms and codings move all voices."""

    speakers: tuple[str, ...]
    means: NDArray[np.float32]
    directions: NDArray[np.float32]

    @classmethod
    def of(cls, plain: Voices, conditions: Sequence[Voices], *, directions: int) -> Cohort:
        """``conditions``: recordings of ``plain`` under each of them."""
        speakers = tuple(sorted({*plain.speakers.tolist()}))
        means = [plain.features[plain.speakers == speaker].mean(axis=0) for speaker in speakers]
        shifts = np.array([_shift(plain, voices) for voices in conditions])
        _, _, main = np.linalg.svd(shifts, full_matrices=False)
        return cls(speakers, np.array(means, np.float32), main[:directions].astype(np.float32))

    def without(self, *left_out: str) -> NDArray[np.float32]:
        """For ``without_common``: the mean over all speakers but those, and the directions."""
        rows = [self.speakers.index(s) for s in {*left_out} if s in self.speakers]
        rest = self.means.sum(axis=0) - self.means[rows].sum(axis=0)
        mean = rest / (len(self.speakers) - len(rows))
        return np.concatenate([mean[np.newaxis], self.directions]).astype(np.float32)


def _shift(plain: Voices, changed: Voices) -> NDArray[np.float32]:
    """Where a condition moves features to, on average."""
    place = {source: row for row, source in enumerate(plain.sources.tolist())}
    pairs = [(place[s], row) for row, s in enumerate(changed.sources.tolist()) if s in place]
    before, after = np.array(pairs).T
    shift: NDArray[np.float32] = (changed.features[after] - plain.features[before]).mean(axis=0)
    return shift


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


def _scored(first: Voices, second: Voices, common: NDArray[np.float32], *, half: bool) -> Scores:
    cosines = templates(first, common) @ templates(second, common).T
    rows, columns = (
        np.triu_indices(len(cosines), 1) if half else np.indices(cosines.shape).reshape(2, -1)
    )
    return scores_of(first, second, cosines, (rows, columns))


def scores_of(
    first: Voices,
    second: Voices,
    cosines: NDArray[np.float32],
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> Scores:
    """``cosines``: of all rows of ``first`` with all of ``second``; ``pairs``: which of them."""
    rows, columns = pairs
    return Scores(
        first.speakers[rows],
        second.speakers[columns],
        cosines[rows, columns].astype(np.float64),
        first.net_s[rows],
        second.net_s[columns],
        first.bandwidth_hz[rows],
        second.bandwidth_hz[columns],
    )


def templates(voices: Voices, common: NDArray[np.float32]) -> NDArray[np.float32]:
    """n x 192, unit vectors. ``common``: as ``Cohort.without`` gives it."""
    centred = without_common(voices.features, common)
    return np.asarray(centred / np.linalg.norm(centred, axis=1, keepdims=True), np.float32)
