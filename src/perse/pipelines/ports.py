"""What the use cases need from the outside, as roles. Adapters satisfy them structurally."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from perse.domain.decisions import PadScore
from perse.domain.face_confirmation import CloseLook
from perse.domain.geometry import Box, DetectedFace, Framing, HeadPose, Landmarks
from perse.domain.quality import FaceMetrics, ImageMetrics
from perse.domain.references import Template
from perse.domain.samples import FaceImage, ModelName, VoiceSample
from perse.domain.speech import SpeechSegment
from perse.domain.voices import EmbeddedVoice

Result = TypeVar("Result")
Other = TypeVar("Other")


class FaceDetector(Protocol):
    @property
    def model(self) -> ModelName: ...

    def detect(self, image: FaceImage) -> Sequence[DetectedFace]:
        """Every face found, in any order, also those cut by the border."""
        ...


class FaceFinder(Protocol):
    """A detector that looks at one part of a picture, at one scale."""

    @property
    def model(self) -> ModelName: ...

    def find(self, image: FaceImage, framing: Framing) -> Sequence[DetectedFace]:
        """The faces seen there, in picture pixels, best score first."""
        ...


class SecondLook(Protocol):
    """Looks at the place of a detection from close by."""

    def look(self, image: FaceImage, box: Box, quarter_turns: int) -> CloseLook:
        """What is seen there when it is turned back by that many quarter turns."""
        ...


class FaceEmbedder(Protocol):
    @property
    def model(self) -> ModelName: ...

    def embed(self, image: FaceImage, landmarks: Landmarks) -> Template: ...


class LandmarkRefiner(Protocol):
    def refine(self, image: FaceImage, landmarks: Landmarks) -> Landmarks:
        """Better landmarks of the same face, or the same ones."""
        ...


class PoseEstimator(Protocol):
    @property
    def model(self) -> ModelName: ...

    def estimate(self, image: FaceImage, face: DetectedFace) -> HeadPose: ...


class QualityAssessor(Protocol):
    def of_image(self, image: FaceImage) -> ImageMetrics: ...

    def of_face(self, image: FaceImage, face: DetectedFace, pose: HeadPose) -> FaceMetrics: ...


class AttackDetector(Protocol):
    @property
    def model(self) -> ModelName: ...

    def score(self, image: FaceImage, box: Box) -> PadScore:
        """Higher = more bona fide, always."""
        ...


class SpeechDetector(Protocol):
    @property
    def model(self) -> ModelName: ...

    def detect(self, sample: VoiceSample) -> Sequence[SpeechSegment]: ...


class SpeakerEmbedder(Protocol):
    @property
    def model(self) -> ModelName: ...

    def embed(self, sample: VoiceSample, speech: Sequence[SpeechSegment]) -> EmbeddedVoice: ...


class SideBySide(Protocol):
    """Runs two pieces of blocking work at the same time where cores allow it."""

    def __call__(
        self, first: Callable[[], Result], second: Callable[[], Other]
    ) -> tuple[Result, Other]: ...


def in_turn(first: Callable[[], Result], second: Callable[[], Other]) -> tuple[Result, Other]:
    """SideBySide where there is nothing to share the work with."""
    return first(), second()
