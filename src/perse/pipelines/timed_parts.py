"""Parts of the pipelines, each of which tells what it is busy with. What is wrapped satisfies the
port that it wraps, so that neither networks nor use cases need to know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from perse.domain.decisions import PadScore
from perse.domain.geometry import Box, DetectedFace, HeadPose, Landmarks
from perse.domain.quality import FaceMetrics, ImageMetrics
from perse.domain.references import Template
from perse.domain.samples import FaceImage, ModelName, VoiceSample
from perse.domain.speech import SpeechSegment
from perse.domain.voices import EmbeddedVoice
from perse.pipelines.ports import (
    AttackDetector,
    FaceDetector,
    FaceEmbedder,
    PoseEstimator,
    QualityAssessor,
    SpeakerEmbedder,
    SpeechDetector,
)
from perse.stages import Stage, during

Sample = TypeVar("Sample")


def timed_decoder(decode: Callable[[bytes], Sample]) -> Callable[[bytes], Sample]:
    """Of pictures or recordings."""

    def decoded(content: bytes) -> Sample:
        with during(Stage.DECODE):
            return decode(content)

    return decoded


@dataclass(frozen=True, slots=True)
class TimedFaceDetector:
    part: FaceDetector

    @property
    def model(self) -> ModelName:
        return self.part.model

    def detect(self, image: FaceImage) -> Sequence[DetectedFace]:
        with during(Stage.DETECT):
            return self.part.detect(image)


@dataclass(frozen=True, slots=True)
class TimedFaceEmbedder:
    part: FaceEmbedder

    @property
    def model(self) -> ModelName:
        return self.part.model

    def embed(self, image: FaceImage, landmarks: Landmarks) -> Template:
        with during(Stage.EMBED):
            return self.part.embed(image, landmarks)


@dataclass(frozen=True, slots=True)
class TimedPoseEstimator:
    part: PoseEstimator

    @property
    def model(self) -> ModelName:
        return self.part.model

    def estimate(self, image: FaceImage, face: DetectedFace) -> HeadPose:
        with during(Stage.QUALITY):
            return self.part.estimate(image, face)


@dataclass(frozen=True, slots=True)
class TimedQualityAssessor:
    part: QualityAssessor

    def of_image(self, image: FaceImage) -> ImageMetrics:
        with during(Stage.QUALITY):
            return self.part.of_image(image)

    def of_face(self, image: FaceImage, face: DetectedFace, pose: HeadPose) -> FaceMetrics:
        with during(Stage.QUALITY):
            return self.part.of_face(image, face, pose)


@dataclass(frozen=True, slots=True)
class TimedAttackDetector:
    part: AttackDetector

    @property
    def model(self) -> ModelName:
        return self.part.model

    def score(self, image: FaceImage, box: Box) -> PadScore:
        with during(Stage.LIVENESS):
            return self.part.score(image, box)


@dataclass(frozen=True, slots=True)
class TimedSpeechDetector:
    part: SpeechDetector

    @property
    def model(self) -> ModelName:
        return self.part.model

    def detect(self, sample: VoiceSample) -> Sequence[SpeechSegment]:
        with during(Stage.DETECT):
            return self.part.detect(sample)


@dataclass(frozen=True, slots=True)
class TimedSpeakerEmbedder:
    part: SpeakerEmbedder

    @property
    def model(self) -> ModelName:
        return self.part.model

    def embed(self, sample: VoiceSample, speech: Sequence[SpeechSegment]) -> EmbeddedVoice:
        with during(Stage.EMBED):
            return self.part.embed(sample, speech)
