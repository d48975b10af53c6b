"""Detect faces and compare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from perse_client.call import Call, form
from perse_client.operations.measures import Answer, Models, PointIds, Thresholds, Verdicts
from perse_client.uploads import Upload

COMPARE = "/v0/face/compare"


class Point(NamedTuple):
    """Pixels of the upright picture."""

    x: int
    y: int


class Box(NamedTuple):
    """Pixels of the upright picture."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Landmarks:
    """Right and left are the subject's own."""

    right_eye: Point
    left_eye: Point
    nose: Point
    mouth_right: Point
    mouth_left: Point


@dataclass(frozen=True, kw_only=True)
class PictureMetrics:
    """0..1; of sharpness higher is better, of the others lower."""

    underexposure: float
    overexposure: float
    sharpness: float
    color: float


@dataclass(frozen=True, kw_only=True)
class FaceMetrics(PictureMetrics):
    """``rotation``: degrees from looking straight into the camera."""

    rotation: float


@dataclass(frozen=True, kw_only=True)
class HeadPose:
    """Degrees: positive to the subject's left, upwards, tilted to the subject's left shoulder."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, kw_only=True)
class Face:
    """``liveness_score``: 1 = surely a live person."""

    landmarks: Landmarks
    bounding_box: Box
    face_metrics: FaceMetrics
    liveness_score: float | None
    liveness_assessable: bool | None
    liveness_obstacle: str | None
    recognisability: float | None
    pose: HeadPose
    detector_score: float
    verdicts: Verdicts


@dataclass(frozen=True, kw_only=True)
class DetectThresholds:
    underexposure: float
    overexposure: float
    sharpness: float
    color: float
    rotation: float
    liveness: float | None
    recognisability: float | None


@dataclass(frozen=True, kw_only=True)
class Detection(Answer):
    """``faces``: the largest first, possibly none."""

    total_faces: int
    faces: tuple[Face, ...]
    image_metrics: PictureMetrics
    default_thresholds: DetectThresholds
    operating_points: PointIds
    models: Models


@dataclass(frozen=True, kw_only=True)
class FaceCompareThresholds:
    similarity: float
    liveness: float | None


@dataclass(frozen=True, kw_only=True)
class FaceComparison(Answer):
    """``liveness_score``: the lower one of two pictures, or that of the one that was sent."""

    similarity: float
    liveness_score: float | None
    liveness_assessable: bool | None
    liveness_obstacle: str | None
    recognisability: float | None
    similarity_assessable: bool
    similarity_obstacle: str | None
    default_thresholds: FaceCompareThresholds
    thresholds: Thresholds
    operating_points: PointIds
    similarity_supported: bool
    cosine: float | None
    models: Models
    reference_moved: bool | None

    @property
    def is_match(self) -> bool:
        """One person, by the default threshold. It says nothing about liveness."""
        return self.similarity_assessable and self.similarity >= self.default_thresholds.similarity


def detect_faces(image: Upload, *, consent: bool | None = None) -> Call[Detection]:
    """Find the faces of a picture and judge them. No face is an answer, not an error."""
    return form("/v0/face/detect", Detection, files={"image_file": image}, consent=consent)


def compare_faces(
    first: Upload, second: Upload, *, consent: bool | None = None
) -> Call[FaceComparison]:
    """Compare the largest faces of two pictures."""
    files = {"image_file1": first, "image_file2": second}
    return form(COMPARE, FaceComparison, files=files, consent=consent)


def compare_with_user(
    user_token: str, image: Upload, *, consent: bool | None = None
) -> Call[FaceComparison]:
    """Compare the largest face of a picture with an enrolled user."""
    files = {"image_file": image}
    return form(COMPARE, FaceComparison, files=files, consent=consent, user_token=user_token)
