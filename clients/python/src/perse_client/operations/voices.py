"""Inspect and compare voices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from perse_client.call import Call, form
from perse_client.operations.measures import Answer, Models, PointIds, Thresholds, Verdicts
from perse_client.uploads import Upload


@dataclass(frozen=True, kw_only=True)
class VoiceMetrics:
    """``net_speech``: seconds; ``signal_to_noise``: dB; ``bandwidth``: Hz; of these higher is
    better. ``clipping``: share of the samples at full scale."""

    net_speech: float
    signal_to_noise: float
    clipping: float
    bandwidth: float


class Segment(NamedTuple):
    """Seconds from the start of the recording."""

    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Recording:
    """``decoded_s``: seconds of sound that were heard, speech or not."""

    decoded_s: float
    voice_metrics: VoiceMetrics
    verdicts: Verdicts


@dataclass(frozen=True, kw_only=True)
class VoiceCompareThresholds:
    similarity: float


@dataclass(frozen=True, kw_only=True)
class VoiceComparison(Answer):
    """``recordings``: the first and the second."""

    similarity: float
    default_thresholds: VoiceCompareThresholds
    thresholds: Thresholds
    operating_points: PointIds
    similarity_supported: bool
    similarity_assessable: bool
    similarity_obstacle: str | None
    cosine: float
    recordings: tuple[Recording, ...]
    models: Models

    @property
    def is_match(self) -> bool:
        """One person, by the default threshold. Replayed and artificial voices match, too."""
        return self.similarity_assessable and self.similarity >= self.default_thresholds.similarity


@dataclass(frozen=True, kw_only=True)
class RecordingThresholds:
    """Good: ``clipping`` and ``crowding`` below, the others above."""

    net_speech: float
    signal_to_noise: float
    clipping: float
    bandwidth: float
    agreement: float | None
    crowding: float | None


@dataclass(frozen=True, kw_only=True)
class InspectedRecording(Recording, Answer):
    """``speech_segments``: where somebody speaks, in order. ``agreement`` is low where people speak
    in turn, ``crowding`` high where they speak at once; both are None of too little speech."""

    speech_segments: tuple[Segment, ...]
    agreement: float | None
    crowding: float | None
    similarity_assessable: bool
    similarity_obstacle: str | None
    default_thresholds: RecordingThresholds
    models: Models


def inspect_recording(
    recording: Upload, *, consent: bool | None = None
) -> Call[InspectedRecording]:
    """How good a recording is, WAV or OGG, and where somebody speaks in it."""
    return form(
        "/v1/voice/inspect", InspectedRecording, files={"audio_file": recording}, consent=consent
    )


def compare_voices(
    first: Upload, second: Upload, *, consent: bool | None = None
) -> Call[VoiceComparison]:
    """Compare the voices of two recordings, WAV or OGG."""
    files = {"audio_file1": first, "audio_file2": second}
    return form("/v0/voice/compare", VoiceComparison, files=files, consent=consent)
