"""Find the faces of a picture and judge each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perse.domain.border_rule import wholly_inside
from perse.domain.faces import AssessedFace, FaceDetection, ModelsByRole
from perse.domain.geometry import DetectedFace
from perse.domain.samples import FaceImage
from perse.errors import NoFaceDetected
from perse.pipelines.ports import AttackDetector, FaceDetector, PoseEstimator, QualityAssessor


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
    """Use case: every face with pose, metrics and PAD score, and the picture's own metrics."""

    find: FindFaces
    pose: PoseEstimator
    quality: QualityAssessor
    attacks: AttackDetector | None

    def __call__(self, image: FaceImage) -> FaceDetection:
        faces = tuple(self._assess(image, face) for face in self.find(image))
        return FaceDetection(faces, self.quality.of_image(image), self.models)

    def _assess(self, image: FaceImage, face: DetectedFace) -> AssessedFace:
        pose = self.pose.estimate(image, face)
        metrics = self.quality.of_face(image, face, pose)
        pad = self.attacks.score(image, face.box) if self.attacks else None
        return AssessedFace(face, pose, metrics, pad)

    @property
    def models(self) -> ModelsByRole:
        models = {"face_detector": self.find.detector.model, "pose_estimator": self.pose.model}
        if self.attacks:
            models["face_attack_detector"] = self.attacks.model
        return models
