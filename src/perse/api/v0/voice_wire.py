"""Voices in the contract's words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, FiniteFloat

from perse.api.http.answers import Answer, Success
from perse.api.v0.measures import (
    MetricVerdict,
    Models,
    PointIds,
    Share,
    Thresholds,
    number,
    verdict_of,
)
from perse.domain.voice_quality import VoiceQuality, VoiceRequirements, judge_voice
from perse.domain.voices import VoiceComparison, VoiceThresholds

_WIRE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "net_speech_s": "net_speech",
        "snr_db": "signal_to_noise",
        "clipped_share": "clipping",
        "bandwidth_hz": "bandwidth",
    }
)

Positive = Annotated[FiniteFloat, Field(ge=0)]


class VoiceMetrics(Answer):
    net_speech: Positive = Field(description="Seconds of speech; higher is better.")
    signal_to_noise: Positive = Field(
        description="Decibels of speech over background, 0 to 60; higher is better."
    )
    clipping: Share = Field(description="Share of the samples at full scale; lower is better.")
    bandwidth: Positive = Field(
        description="Highest frequency with speech in it, Hz: 4000 and less is a telephone."
    )


class WireRecording(Answer):
    decoded_s: Positive = Field(
        description="Seconds of sound that were heard, of all recordings joined in the file."
    )
    voice_metrics: VoiceMetrics
    verdicts: dict[str, MetricVerdict]


class VoiceDefaults(Answer):
    similarity: Share


class VoiceCompareAnswer(Success):
    similarity: Share = Field(description="One person when at or above the threshold.")
    default_thresholds: VoiceDefaults
    default_thresholds_camel: VoiceDefaults = Field(
        alias="defaultThresholds", description="The same as default_thresholds."
    )
    thresholds: Thresholds
    operating_points: PointIds
    similarity_supported: bool = Field(
        description="Whether the similarity lies between measured operating points."
    )
    similarity_assessable: bool = Field(
        description="False where the recordings are such that the similarity says little."
    )
    similarity_obstacle: str | None = Field(
        None, description="Why the similarity is not assessable."
    )
    cosine: FiniteFloat = Field(
        ge=-1, le=1, description="What the network said, corrected for the length of the speech."
    )
    recordings: Annotated[
        list[WireRecording],
        Field(min_length=2, max_length=2, description="audio_file1, audio_file2."),
    ]
    models: Models


def voice_compare_answer(
    comparison: VoiceComparison, thresholds: VoiceThresholds, *, time_taken: float
) -> VoiceCompareAnswer:
    """``time_taken``: seconds."""
    defaults = VoiceDefaults(similarity=thresholds.similarity)
    return VoiceCompareAnswer(
        similarity=number(comparison.similarity),
        default_thresholds=defaults,
        default_thresholds_camel=defaults,
        thresholds=dict(thresholds.similarity_by_fmr),
        operating_points=dict(thresholds.operating_points),
        similarity_supported=comparison.supported,
        similarity_assessable=comparison.obstacle is None,
        similarity_obstacle=comparison.obstacle,
        cosine=number(comparison.cosine),
        recordings=[
            recording_wire(quality, thresholds.recording)
            for quality in (comparison.first, comparison.second)
        ],
        models=dict(comparison.models),
        time_taken=time_taken,
    )


def recording_wire(quality: VoiceQuality, requirements: VoiceRequirements) -> WireRecording:
    """How good a recording is."""
    verdicts = {
        _WIRE_NAMES[measure]: verdict
        for measure, verdict in judge_voice(quality, requirements).items()
    }
    metrics = {measure: number(verdict.value) for measure, verdict in verdicts.items()}
    return WireRecording(
        decoded_s=number(quality.decoded_s),
        voice_metrics=VoiceMetrics(**metrics),
        verdicts={measure: verdict_of(verdict) for measure, verdict in verdicts.items()},
    )
