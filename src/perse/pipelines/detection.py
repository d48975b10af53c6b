"""Find the faces of a picture and judge each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perse.domain.border_rule import wholly_inside
from perse.domain.decisions import PadScore
from perse.domain.faces import AssessedFace, FaceDetection, ModelsByRole
from perse.domain.geometry import DetectedFace, HeadPose
from perse.domain.orientation import righted_with
from perse.domain.quality import FaceMetrics
from perse.domain.samples import FaceImage
from perse.errors import NoFaceDetected
from perse.pipelines.ports import (
    AttackDetector,
    FaceDetector,
    PoseEstimator,
    QualityAssessor,
    SideBySide,
    in_turn,
)


@dataclass(frozen=True, slots=True)
class FindFaces:
    """The faces completely inside the picture, largest box first, at most ``max_faces``."""

    detector: FaceDetector
    max_faces: int

    def __call__(self, image: FaceImage) -> Sequence[DetectedFace]:
        inside = [
            face
            for face in self.detector.detect(image)
            if wholly_inside(face, width_px=image.width_px, height_px=image.height_px)
        ]
        inside.sort(key=lambda face: -face.box.area)
        return inside[: self.max_faces]

    def largest(self, image: FaceImage, *, name: str) -> DetectedFace:
        """The largest face. Raises NoFaceDetected, calling the picture ``name``."""
        faces = self(image)
        if not faces:
            raise NoFaceDetected(
                f"no face is completely inside {name}: "
                "send a picture that shows the whole face, upright and well lit"
            )
        return faces[0]


@dataclass(frozen=True, slots=True)
class DetectFaces:
    """Use case: every face with pose, metrics and PAD score, and the picture's own metrics.

    The PAD scores, the dearest part, are computed beside the rest where a core is free.
    """

    find: FindFaces
    pose: PoseEstimator
    quality: QualityAssessor
    attacks: AttackDetector | None

    def __call__(self, image: FaceImage, *, side_by_side: SideBySide = in_turn) -> FaceDetection:
        found = self.find(image)
        (metrics, assessed), pads = side_by_side(
            lambda: (self.quality.of_image(image), [self._assess(image, face) for face in found]),
            lambda: [self._pad(image, face) for face in found],
        )
        faces = (
            AssessedFace(_framed(face, image), pose, of_face, pad)
            for face, (pose, of_face), pad in zip(found, assessed, pads, strict=True)
        )
        return FaceDetection(tuple(faces), metrics, self.models)

    def _assess(self, image: FaceImage, face: DetectedFace) -> tuple[HeadPose, FaceMetrics]:
        pose = self.pose.estimate(image, face)
        return pose, self.quality.of_face(image, face, pose)

    def _pad(self, image: FaceImage, face: DetectedFace) -> PadScore | None:
        return self.attacks.score(*righted_with(image, face)) if self.attacks else None

    @property
    def models(self) -> ModelsByRole:
        models = {"face_detector": self.find.detector.model, "pose_estimator": self.pose.model}
        if self.attacks:
            models["face_attack_detector"] = self.attacks.model
        return models


def _framed(face: DetectedFace, image: FaceImage) -> DetectedFace:
    """With its box, which a detector may draw a little past the border, inside the picture."""
    return replace(face, box=face.box.within(image.width_px, image.height_px))
