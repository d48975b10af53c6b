"""Compare a probe with all samples of a subject: a face with faces, a voice with voices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from perse.domain.decisions import SimilarityScale
from perse.domain.faces import FaceThresholds
from perse.domain.references import BiometricReference, Template
from perse.domain.sample_fusion import Combined
from perse.domain.samples import ModelName
from perse.domain.subject_verification import (
    EnrolledSamples,
    FaceEvidence,
    SamplesCompared,
    VoiceEvidence,
)
from perse.domain.verdicts import similarity_obstacle
from perse.domain.voices import CapturedVoice, VoiceThresholds
from perse.pipelines.comparison import CompareFaces, Picture
from perse.pipelines.voice import CompareVoices, Recording
from perse.stages import Stage, during

# A sample, and the probe's cosine with it on the scale of the network.
_Told = tuple[BiometricReference, float]
_NAMES = ("the recording", "the enrolled recording")


class CombineSamples(Protocol):
    """From a probe's cosines with all samples of a subject to one, on the scale of a single one."""

    def combined(
        self, scale: SimilarityScale, cosines: Sequence[float], samples: Sequence[Template]
    ) -> Combined: ...


@dataclass(frozen=True, slots=True)
class MatchFaces:
    """The largest face of a picture and a subject's faces. Raises NoFaceDetected."""

    compare: CompareFaces
    thresholds: FaceThresholds

    @property
    def network(self) -> ModelName:
        return self.compare.capture.embedder.model

    def __call__(self, picture: Picture, enrolled: EnrolledSamples) -> FaceEvidence:
        probe, scale = self.compare.capture(picture), self.compare.scale
        seen = replace(probe.assessed, recognisability=scale.recognisability(probe.template))
        with during(Stage.COMPARE):
            compared = [
                (kept, self.compare.judge(probe.template, kept.template, (seen,)))
                for kept in enrolled.references
            ]
        told = [(kept, it.resemblance.effective) for kept, it in compared if it.assessable]
        obstacle = None if told else similarity_obstacle(compared[0][1], self.thresholds)
        models = self.compare.capture.models
        samples = (
            _together(told, enrolled, scale.fusion, scale.points, models)
            if obstacle is None
            else _untold(obstacle, enrolled, models)
        )
        return FaceEvidence(samples, seen, self.thresholds)


@dataclass(frozen=True, slots=True)
class MatchVoices:
    """The voice of a recording and a subject's voices. Raises NoSpeechDetected."""

    compare: CompareVoices
    thresholds: VoiceThresholds
    combine: CombineSamples

    @property
    def network(self) -> ModelName:
        return self.compare.capture.embedder.model

    def __call__(self, recording: Recording, enrolled: EnrolledSamples) -> VoiceEvidence:
        heard = self.compare.capture(recording)
        with during(Stage.COMPARE):
            compared = [
                (kept, self.compare.judge(heard, CapturedVoice.kept_as(kept), _NAMES))
                for kept in enrolled.references
            ]
        told = [(kept, it.cosine) for kept, it in compared if it.obstacle is None]
        obstacle = None if told else compared[0][1].obstacle
        models = self.compare.capture.models
        samples = (
            _together(told, enrolled, self.combine, self.compare.scale, models)
            if obstacle is None
            else _untold(obstacle, enrolled, models)
        )
        return VoiceEvidence(samples, heard, self.thresholds)


def _together(
    told: Sequence[_Told],
    enrolled: EnrolledSamples,
    combine: CombineSamples,
    scale: SimilarityScale,
    models: Mapping[str, ModelName],
) -> SamplesCompared:
    """All that could be assessed, one or more."""
    templates = [kept.template for kept, _ in told]
    all_ = combine.combined(scale, [it for _, it in told], templates)
    best, highest = max(told, key=lambda pair: pair[1])
    return SamplesCompared(
        similarity=all_.similarity,
        supported=all_.supported,
        best=scale.similarity(highest),
        best_sample=best.record.name,
        compared=len(told),
        other_networks=enrolled.other_networks,
        obstacle=None,
        models=models,
    )


def _untold(
    obstacle: str, enrolled: EnrolledSamples, models: Mapping[str, ModelName]
) -> SamplesCompared:
    return SamplesCompared(
        similarity=0.0,
        supported=False,
        best=0.0,
        best_sample=None,
        compared=0,
        other_networks=enrolled.other_networks,
        obstacle=obstacle,
        models=models,
    )
