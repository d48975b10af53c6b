"""A stand-in for the voice pipeline: no networks, no decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perse.domain.samples import ModelName, VoiceSample
from perse.domain.voice_quality import VoiceQuality, VoiceRequirements
from perse.domain.voices import VoiceComparison, VoiceThresholds
from perse.errors import InvalidFileType, NoSpeechDetected
from perse.media.audio_length import AudioLength
from perse.pipelines.ports import SideBySide
from perse.pipelines.voice import Recording

VOICE_MAGIC = b"RIFF fake recording"
SILENCE = VOICE_MAGIC + b"\0"
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


def recording(identity: int = 1) -> bytes:
    """Bytes that ``FakeVoices`` takes for a recording of that person."""
    return VOICE_MAGIC + bytes([identity])


@dataclass
class FakeVoices:
    """Recordings are ``recording(identity)``; equal identities match."""

    thresholds: VoiceThresholds = THRESHOLDS
    before: Callable[[], None] = lambda: None

    def decode(self, content: bytes) -> VoiceSample:
        if not content.startswith(VOICE_MAGIC):
            raise InvalidFileType("this is no WAV or OGG recording")
        return VoiceSample(np.full(16_000, content[len(VOICE_MAGIC)] / 256, np.float32), 16_000)

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
