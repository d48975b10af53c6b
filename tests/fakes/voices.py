"""A stand-in for the voice pipeline: no networks, no decoder."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.references import Template
from perse.domain.samples import ModelName, VoiceSample
from perse.domain.speech import SpeechSegment
from perse.domain.stranger_spread import SpreadCorrection
from perse.domain.voice_obstacles import HeardVoices, VoiceLimits
from perse.domain.voice_quality import VoiceQuality, VoiceRequirements
from perse.domain.voices import EmbeddedVoice, VoiceComparison, VoiceThresholds
from perse.errors import InvalidFileType, NoSpeechDetected
from perse.media.audio_length import AudioLength
from perse.pipelines.ports import SideBySide
from perse.pipelines.voice import CaptureVoice, CompareVoices, InspectVoice, Recording

VOICE_MAGIC = b"RIFF fake recording"
SILENCE = VOICE_MAGIC + b"\0"
CROWD = 250
# No two recordings of a person are alike: this is their cosine, and its similarity is 0.7.
_MATED_COSINE = 0.6
_PEOPLE = 256
SCALE = SimilarityScale([OperatingPoint(1e-1, 0.3), OperatingPoint(1e-3, 0.6)])
LIMITS = VoiceLimits(agreement=0.3)
THRESHOLDS = VoiceThresholds(
    similarity=0.6,
    similarity_by_fmr={"1e-1": 0.5, "1e-2": 0.6, "1e-3": 0.7},
    recording=VoiceRequirements(),
)
GOOD = VoiceQuality(
    net_speech_s=3.2, snr_db=25.0, clipped_share=0.0, bandwidth_hz=8000.0, decoded_s=4.0
)
TELEPHONE = VoiceQuality(
    net_speech_s=1.2, snr_db=9.0, clipped_share=0.2, bandwidth_hz=3500.0, decoded_s=2.0
)


OBSTACLE = "Record one person alone: several voices seem to be heard in the first recording."


def recording(identity: int = 1, *, seconds: int = 1) -> bytes:
    """Bytes that ``FakeVoices`` takes for so long a recording of that person."""
    return VOICE_MAGIC + bytes([identity, seconds])


@dataclass(frozen=True)
class SteadySpeech:
    """Whatever is not silent is speech."""

    model: ModelName = ModelName("fake-speech")

    def detect(self, sample: VoiceSample) -> Sequence[SpeechSegment]:
        return [SpeechSegment(0, sample.duration_s)] if sample.samples.any() else []


@dataclass
class HearingEmbedder:
    """Of the person ``CROWD`` there are only recordings in which others speak, too."""

    model: ModelName = ModelName("fake-speaker")
    _heard: itertools.count[int] = field(default_factory=itertools.count)

    def embed(self, sample: VoiceSample, speech: Sequence[SpeechSegment]) -> EmbeddedVoice:
        identity = round(float(sample.samples[0]) * _PEOPLE)
        vector = np.zeros(2 * _PEOPLE, np.float32)
        vector[identity] = math.sqrt(_MATED_COSINE)
        vector[_PEOPLE + next(self._heard) % _PEOPLE] = math.sqrt(1 - _MATED_COSINE)
        heard = HeardVoices(0.1 if identity == CROWD else 0.9)
        return EmbeddedVoice(Template.of(vector, self.model), heard)


@dataclass
class FakeVoices:
    """Recordings are ``recording(identity)``; equal identities match."""

    thresholds: VoiceThresholds = THRESHOLDS
    before: Callable[[], None] = lambda: None
    embedder: HearingEmbedder = field(default_factory=HearingEmbedder)

    @property
    def comparison(self) -> CompareVoices:
        """The real use case over networks that hear who was painted on a recording."""
        capture = CaptureVoice(SteadySpeech(), self.embedder)
        return CompareVoices(capture, SCALE, SpreadCorrection(), LIMITS)

    @property
    def inspect(self) -> InspectVoice:
        return InspectVoice(self.comparison.capture, LIMITS)

    def decode(self, content: bytes) -> VoiceSample:
        if not content.startswith(VOICE_MAGIC):
            raise InvalidFileType("this is no WAV or OGG recording")
        identity, *seconds = content[len(VOICE_MAGIC) :]
        length = 16_000 * (seconds[0] if seconds else 1)
        return VoiceSample(np.full(length, identity / _PEOPLE, np.float32), 16_000)

    def measure(self, content: bytes) -> AudioLength:
        return AudioLength(len(content) / 32_000, len(content) / 8_000)

    def compare(
        self, first: Recording, second: Recording, *, side_by_side: SideBySide
    ) -> VoiceComparison:
        self.before()
        one, other = side_by_side(lambda: _identity(first), lambda: _identity(second))
        same = one == other
        return VoiceComparison(
            similarity=0.81 if same else 0.22,
            supported=not same,
            cosine=0.84 if same else 0.05,
            obstacle=None if same else OBSTACLE,
            first=GOOD,
            second=TELEPHONE,
            models={"speaker_embedder": ModelName("fake-embedder")},
        )


def _identity(given: Recording) -> float:
    loudness = float(given.load().samples[0])
    if not loudness:
        raise NoSpeechDetected(f"{given.name} holds 0.0 s of speech in 1.0 s")
    return loudness
