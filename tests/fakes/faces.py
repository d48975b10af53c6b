"""The face pipelines over networks that see who was painted on a picture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perse.domain.decisions import OperatingPoint, PadScore, SimilarityScale
from perse.domain.enrolment_gate import EnrolmentGate
from perse.domain.faces import AssessedFace, FaceThresholds
from perse.domain.geometry import Box, DetectedFace, HeadPose, Landmarks
from perse.domain.identification import SearchClaims
from perse.domain.quality import FaceMetrics, ImageMetrics
from perse.domain.references import Template
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import FaceImage, ModelName
from perse.errors import InvalidFileType
from perse.media.image_decoder import ImageSize
from perse.pipelines.comparison import CaptureFace, CompareFaces
from perse.pipelines.detection import AssessFace, DetectFaces, FindFaces, Recognise
from perse.pipelines.enrolment import CaptureReference
from perse.pipelines.timed_parts import TimedFaceDetector
from perse.search.measured import MeasuredFaces
from perse.stages import Stage, during
from tests.recognisable import GOOD, HOPELESS, MODEL, with_damage_along

FACE_MAGIC = b"\xff\xd8\xff fake picture\r\n\x00"
EMPTY_SCENE = FACE_MAGIC + b"no face"
DARK, BRIGHT, HIDDEN = 250, 251, 252
EMBEDDER = ModelName("fake-embedder")
MODELS: Mapping[str, ModelName] = {
    "face_detector": ModelName("fake-detector"),
    "face_embedder": EMBEDDER,
}
LIVE = PadScore(0.97)
THRESHOLDS = FaceThresholds(
    underexposure=0.85,
    overexposure=0.03,
    sharpness=0.3,
    colour=0.5,
    rotation=25.0,
    similarity=0.8,
    similarity_by_fmr={"1e-2": 0.6, "1e-3": 0.7, "1e-4": 0.8, "1e-5": 0.9},
    liveness=0.7,
    recognisability=MODEL.least,
)
# No two pictures of a person are alike: this is their cosine, and its similarity is 0.93.
_MATED_COSINE = 0.71
_PEOPLE = 256
# Damage lies along the last value; good captures are in no doubt.
SCALE = ResemblanceScale(
    SimilarityScale(
        [OperatingPoint(1e-2, 0.2), OperatingPoint(1e-5, 0.68), OperatingPoint(1e-6, 0.78)]
    ),
    with_damage_along(np.eye(2 * _PEOPLE + 1, dtype=np.float32)[-1:]),
)


def picture(identity: int = 1, *, size: int = 0) -> bytes:
    """Bytes that ``FakeFaces`` takes for a picture of that person, ``size`` bytes or more long."""
    padding = b"\r\n--\x00\xff" * (max(0, size) // 6 + 1)
    return FACE_MAGIC + bytes([identity]) + padding


def face(*, pad: PadScore | None = LIVE) -> AssessedFace:
    points = np.array([[40, 50], [70, 50.4], [55, 64.6], [44, 80], [66, 80]], np.float32)
    return AssessedFace(
        DetectedFace(Box(30.4, 20.6, 50.0, 75.0), Landmarks(points), 0.98),
        HeadPose(3.0, -2.0, 1.0),
        FaceMetrics(
            underexposure=0.08, overexposure=0.0, sharpness=0.81, colour=0.02, rotation=6.4
        ),
        pad,
        0.96,
    )


def _identity(image: FaceImage) -> int:
    return int(image.pixels[0, 0, 0])


@dataclass
class SeeingDetector:
    """``before`` is called with every picture, on its worker thread: it may block or raise."""

    before: Callable[[], None] = lambda: None
    model: ModelName = MODELS["face_detector"]

    def detect(self, image: FaceImage) -> Sequence[DetectedFace]:
        self.before()
        return (face().face,) if _identity(image) else ()


@dataclass
class SeeingEmbedder:
    model: ModelName = EMBEDDER
    _seen: itertools.count[int] = field(default_factory=itertools.count)

    def embed(self, image: FaceImage, landmarks: Landmarks) -> Template:
        vector = np.zeros(2 * _PEOPLE + 1, np.float32)
        vector[_identity(image)] = math.sqrt(_MATED_COSINE)
        vector[_PEOPLE + next(self._seen) % _PEOPLE] = math.sqrt(1 - _MATED_COSINE)
        traits = HOPELESS if _identity(image) == HIDDEN else GOOD
        return Template.of(vector, self.model, traits)


@dataclass(frozen=True)
class SteadyPose:
    model: ModelName = ModelName("fake-pose")

    def estimate(self, image: FaceImage, face: DetectedFace) -> HeadPose:
        return HeadPose(3.0, -2.0, 1.0)


class SeeingQuality:
    """Of the people ``DARK``, ``BRIGHT`` and ``HIDDEN`` there are no good pictures."""

    def of_image(self, image: FaceImage) -> ImageMetrics:
        return ImageMetrics(0.11, 0.01, 0.77, 0.02)

    def of_face(self, image: FaceImage, seen: DetectedFace, pose: HeadPose) -> FaceMetrics:
        metrics = face().metrics
        if _identity(image) == DARK:
            return replace(metrics, underexposure=0.99)
        if _identity(image) == BRIGHT:
            return replace(metrics, overexposure=0.9)
        return metrics


@dataclass(frozen=True)
class SteadyAttackDetector:
    pad: PadScore
    model: ModelName = ModelName("fake-attacks")

    def score(self, image: FaceImage, box: Box) -> PadScore:
        return self.pad


@dataclass
class FakeFaces:
    """Pictures are ``picture(identity)``; equal identities match. ``before`` runs in every
    pipeline, on its worker thread: it may block, count or raise. ``pad`` None: the pack has no
    attack detector."""

    thresholds: FaceThresholds = THRESHOLDS
    pad: PadScore | None = LIVE
    before: Callable[[], None] = lambda: None
    decoded: list[int] = field(default_factory=list)
    sizes: dict[bytes, ImageSize] = field(default_factory=dict)
    embedder: SeeingEmbedder = field(default_factory=SeeingEmbedder)

    def decode(self, content: bytes) -> FaceImage:
        if not content.startswith(FACE_MAGIC):
            raise InvalidFileType("this is no JPEG, PNG or WebP picture")
        self.decoded.append(len(content))
        shade = 0 if content == EMPTY_SCENE else content[len(FACE_MAGIC)]
        with during(Stage.DECODE):
            return FaceImage(np.full((100, 120, 3), shade, np.uint8))

    def measure(self, content: bytes) -> ImageSize:
        return self.sizes.get(content, ImageSize(12_000, 12_000))

    @property
    def find(self) -> FindFaces:
        return FindFaces(TimedFaceDetector(SeeingDetector(self.before)), max_faces=10)

    @property
    def attacks(self) -> SteadyAttackDetector | None:
        return SteadyAttackDetector(self.pad) if self.pad else None

    @property
    def assess(self) -> AssessFace:
        return AssessFace(SteadyPose(), SeeingQuality(), self.attacks)

    @property
    def detect(self) -> DetectFaces:
        return DetectFaces(self.find, self.assess, Recognise(self.embedder, SCALE))

    @property
    def capture(self) -> CaptureFace:
        return CaptureFace(self.find, self.assess, self.embedder)

    @property
    def compare(self) -> CompareFaces:
        return CompareFaces(self.capture, SCALE)

    @property
    def searched(self) -> MeasuredFaces:
        return MeasuredFaces(EMBEDDER, SearchClaims(SCALE.points, lowest_fmr=1e-5), SCALE)

    @property
    def capture_reference(self) -> CaptureReference:
        gate = EnrolmentGate.STANDARD
        return CaptureReference(self.find, self.assess, self.embedder, SCALE, self.thresholds, gate)
