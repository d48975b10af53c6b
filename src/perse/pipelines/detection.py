"""Find the faces of a picture and judge each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perse.domain.border_rule import wholly_inside
from perse.domain.faces import AssessedFace, FaceDetection, ModelsByRole
from perse.domain.geometry import DetectedFace
from perse.domain.orientation import righted_with
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import FaceImage
from perse.errors import NoFaceDetected
from perse.pipelines.ports import (
    AttackDetector,
    FaceDetector,
    FaceEmbedder,
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
class AssessFace:
    """Pose, quality and PAD score of a face; its box as far as it lies inside the picture."""

    pose: PoseEstimator
    quality: QualityAssessor
    attacks: AttackDetector | None

    def __call__(self, image: FaceImage, face: DetectedFace) -> AssessedFace:
        pose = self.pose.estimate(image, face)
        metrics = self.quality.of_face(image, face, pose)
        pad = self.attacks.score(*righted_with(image, face)) if self.attacks else None
        return AssessedFace(_framed(face, image), pose, metrics, pad)


@dataclass(frozen=True, slots=True)
class Recognise:
    """How recognisable a face is, by its template, which is not kept."""

    embedder: FaceEmbedder
    scale: ResemblanceScale

    def __call__(self, image: FaceImage, face: DetectedFace) -> float | None:
        return self.scale.recognisability(self.embedder.embed(image, face.landmarks))


@dataclass(frozen=True, slots=True)
class DetectFaces:
    """Use case: every face with pose, metrics, PAD score and recognisability, and the picture's own
    metrics.

    The templates, the dearest part, are made beside the rest where a core is free; nothing but the
    recognisability is kept of them. Without ``recognise`` there are none.
    """

    find: FindFaces
    assess: AssessFace
    recognise: Recognise | None

    def __call__(self, image: FaceImage, *, side_by_side: SideBySide = in_turn) -> FaceDetection:
        found = self.find(image)
        (metrics, assessed), recognisable = side_by_side(
            lambda: (
                self.assess.quality.of_image(image),
                [self.assess(image, face) for face in found],
            ),
            lambda: [self._recognisability(image, face) for face in found],
        )
        faces = (
            replace(face, recognisability=value)
            for face, value in zip(assessed, recognisable, strict=True)
        )
        return FaceDetection(tuple(faces), metrics, self.models)

    def _recognisability(self, image: FaceImage, face: DetectedFace) -> float | None:
        return self.recognise(image, face) if self.recognise else None

    @property
    def models(self) -> ModelsByRole:
        models = {
            "face_detector": self.find.detector.model,
            "pose_estimator": self.assess.pose.model,
        }
        if self.recognise:
            models["face_embedder"] = self.recognise.embedder.model
        if self.assess.attacks:
            models["face_attack_detector"] = self.assess.attacks.model
        return models


def _framed(face: DetectedFace, image: FaceImage) -> DetectedFace:
    """With its box, which a detector may draw a little past the border, inside the picture."""
    return replace(face, box=face.box.within(image.width_px, image.height_px))
