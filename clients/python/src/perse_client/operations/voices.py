"""Compare voices."""

from __future__ import annotations

from dataclasses import dataclass

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


def compare_voices(
    first: Upload, second: Upload, *, consent: bool | None = None
) -> Call[VoiceComparison]:
    """Compare the voices of two recordings, WAV or OGG."""
    files = {"audio_file1": first, "audio_file2": second}
    return form("/v0/voice/compare", VoiceComparison, files=files, consent=consent)
