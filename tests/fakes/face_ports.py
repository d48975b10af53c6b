"""Fakes of the face ports: a picture is a list of faces that somebody put on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from perse.domain.decisions import PadScore
from perse.domain.face_confirmation import ConfirmationRule
from perse.domain.geometry import Box, DetectedFace, HeadPose, Landmarks
from perse.domain.quality import FaceMetrics, ImageMetrics
from perse.domain.references import Template, Traits
from perse.domain.samples import FaceImage, ModelName

RULE = ConfirmationRule(
    clear_glance=0.92,
    clear_look=0.9,
    sure_look=0.84,
    least_look=0.5,
    least_log_odds=12.0,
    odds_worth=0.02,
    turn_margin=0.05,
)

_SHAPE = np.array([[-0.2, -0.2], [0.2, -0.2], [0, 0], [-0.15, 0.2], [0.15, 0.2]], np.float32)


def blank(width_px: int = 400, height_px: int = 300) -> FaceImage:
    return FaceImage(np.zeros((height_px, width_px, 3), np.uint8))


def face_at(x: float, y: float, size_px: float, *, score: float = 0.9) -> DetectedFace:
    """A face looking at the camera around (x, y); its box is ``size_px`` wide."""
    box = Box(x - size_px / 2, y - size_px * 0.6, size_px, size_px * 1.2)
    return DetectedFace(box, Landmarks(np.array((x, y), np.float32) + _SHAPE * size_px), score)


@dataclass
class FakeDetector:
    faces: Sequence[DetectedFace] = ()
    model: ModelName = ModelName("fake-detector")

    def detect(self, image: FaceImage) -> Sequence[DetectedFace]:
        return self.faces


@dataclass
class FakeEmbedder:
    """The template points where the face's nose is, so equal places match."""

    model: ModelName = ModelName("fake-embedder")
    traits: Traits | None = None

    def embed(self, image: FaceImage, landmarks: Landmarks) -> Template:
        return Template.of(landmarks.points[2].astype(np.float32), self.model, self.traits)


@dataclass
class FakeAttackDetector:
    scores: list[float] = field(default_factory=lambda: [0.9])
    model: ModelName = ModelName("fake-attacks")

    def score(self, image: FaceImage, box: Box) -> PadScore:
        return PadScore(self.scores.pop(0) if len(self.scores) > 1 else self.scores[0])


@dataclass
class FakePose:
    model: ModelName = ModelName("fake-pose")

    def estimate(self, image: FaceImage, face: DetectedFace) -> HeadPose:
        return HeadPose(1.0, 2.0, 3.0)


class FakeQuality:
    def of_image(self, image: FaceImage) -> ImageMetrics:
        return ImageMetrics(0.1, 0.0, 0.8, 0.0)

    def of_face(self, image: FaceImage, face: DetectedFace, pose: HeadPose) -> FaceMetrics:
        return FaceMetrics(0.1, 0.0, 0.8, 0.0, rotation=pose.yaw)
