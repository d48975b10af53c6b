"""Faces in the contract's words: its spelling, its integers."""

from __future__ import annotations

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
from perse.domain.decisions import PadScore
from perse.domain.faces import (
    AssessedFace,
    FaceComparison,
    FaceDetection,
    FaceThresholds,
    FaceVerification,
)
from perse.domain.geometry import Box, Landmarks
from perse.domain.quality import ImageMetrics
from perse.domain.verdicts import judge_face, liveness_obstacle, similarity_obstacle

_WIRE_NAMES = {"colour": "color"}

Degrees = Annotated[FiniteFloat, Field(ge=-180, le=180)]
Point = Annotated[list[int], Field(min_length=2, max_length=2, description="[x, y] in pixels")]


class FaceLandmarks(Answer):
    """Right and left are the subject's own."""

    right_eye: Point
    left_eye: Point
    nose: Point
    mouth_right: Point
    mouth_left: Point


class PictureMetrics(Answer):
    underexposure: Share = Field(description="Lower is better.")
    overexposure: Share = Field(description="Lower is better.")
    sharpness: Share = Field(description="Higher is better.")
    color: Share = Field(description="Lower is better.")


class FaceMetrics(PictureMetrics):
    rotation: FiniteFloat = Field(
        ge=0, le=180, description="Degrees from looking straight into the camera; 0 is best."
    )


class HeadPose(Answer):
    yaw: Degrees = Field(description="Positive: turned towards the subject's own left.")
    pitch: Degrees = Field(description="Positive: looking up.")
    roll: Degrees = Field(description="Positive: tilted towards the subject's own left shoulder.")


class WireFace(Answer):
    landmarks: FaceLandmarks
    bounding_box: Annotated[
        list[int], Field(min_length=4, max_length=4, description="[x, y, width, height]")
    ]
    face_metrics: FaceMetrics
    liveness_score: Share | None = Field(
        None, description="1 = surely a live person. Absent where the pack cannot tell."
    )
    liveness_assessable: bool | None = Field(
        None, description="False where the face is too small, dark, bright, blurred or turned."
    )
    liveness_obstacle: str | None = Field(None, description="Why liveness is not assessable.")
    recognisability: Share | None = Field(
        None,
        description="Share of such captures that are recognised in a good picture of the person. "
        "Absent where the network was not measured for it.",
    )
    pose: HeadPose
    detector_score: Share = Field(description="1 = surely a face.")
    verdicts: dict[str, MetricVerdict]


class DetectThresholds(Answer):
    """Good: underexposure, overexposure, color and rotation below, sharpness, liveness and
    recognisability above."""

    underexposure: Share
    overexposure: Share
    sharpness: Share
    color: Share
    rotation: Degrees
    liveness: Share | None = None
    recognisability: Share | None = None


class DetectAnswer(Success):
    total_faces: int = Field(ge=0)
    faces: list[WireFace] = Field(description="The largest first.")
    image_metrics: PictureMetrics
    default_thresholds: DetectThresholds
    operating_points: PointIds
    models: Models


class CompareThresholds(Answer):
    similarity: Share
    liveness: Share | None = None


class CompareAnswer(Success):
    similarity: Share = Field(description="One person when at or above the threshold.")
    liveness_score: Share | None = Field(
        None, description="The lower one of two pictures. Absent where the pack cannot tell."
    )
    liveness_assessable: bool | None = Field(
        None, description="False where a face is too small, dark, bright, blurred or turned."
    )
    liveness_obstacle: str | None = Field(None, description="Why liveness is not assessable.")
    recognisability: Share | None = Field(
        None, description="The lower one of the two captures, as far as it is known."
    )
    similarity_assessable: bool = Field(
        description="False where a face says too little of a person to tell; then similarity is 0."
    )
    similarity_obstacle: str | None = Field(
        None, description="Why the similarity is not assessable, and what the person can do."
    )
    default_thresholds: CompareThresholds
    default_thresholds_camel: CompareThresholds = Field(
        alias="defaultThresholds", description="The same as default_thresholds."
    )
    thresholds: Thresholds
    operating_points: PointIds
    similarity_supported: bool = Field(
        description="Whether the similarity lies between measured operating points."
    )
    cosine: FiniteFloat | None = Field(
        None,
        ge=-1,
        le=1,
        description="What the network said. Absent where the similarity is not assessable.",
    )
    models: Models
    reference_moved: bool | None = Field(
        None,
        description="Only of a user enrolled with the previous network, which compared: whether "
        "the user has a template of the network in use from now on.",
    )


def detect_answer(
    detection: FaceDetection, thresholds: FaceThresholds, *, time_taken: float
) -> DetectAnswer:
    """``time_taken``: seconds."""
    return DetectAnswer(
        total_faces=len(detection.faces),
        faces=[_face(face, thresholds) for face in detection.faces],
        image_metrics=PictureMetrics(**_metrics(detection.image)),
        default_thresholds=_detect_thresholds(thresholds),
        operating_points=dict(thresholds.operating_points),
        models=dict(detection.models),
        time_taken=time_taken,
    )


def compare_answer(
    comparison: FaceComparison, thresholds: FaceThresholds, *, time_taken: float
) -> CompareAnswer:
    """``time_taken``: seconds."""
    defaults = CompareThresholds(similarity=thresholds.similarity, liveness=thresholds.liveness)
    seen = comparison.resemblance
    return CompareAnswer(
        similarity=number(seen.similarity),
        similarity_supported=seen.supported,
        similarity_assessable=seen.assessable,
        similarity_obstacle=similarity_obstacle(comparison, thresholds),
        cosine=number(seen.cosine) if seen.assessable else None,
        recognisability=_optional(seen.lower_recognisability),
        liveness_score=_liveness(comparison.pad),
        **_liveness_assessed(comparison, thresholds),
        default_thresholds=defaults,
        default_thresholds_camel=defaults,
        thresholds=dict(thresholds.similarity_by_fmr),
        operating_points=dict(thresholds.operating_points),
        models=dict(comparison.models),
        time_taken=time_taken,
    )


def verify_answer(verified: FaceVerification, *, time_taken: float) -> CompareAnswer:
    """``time_taken``: seconds."""
    answer = compare_answer(verified.comparison, verified.thresholds, time_taken=time_taken)
    return answer.model_copy(update={"reference_moved": verified.moved})


def _face(face: AssessedFace, thresholds: FaceThresholds) -> WireFace:
    pose, verdicts = face.pose, judge_face(face, thresholds)
    obstacle = liveness_obstacle(face, verdicts)
    return WireFace(
        landmarks=_landmarks(face.face.landmarks),
        bounding_box=_bounding_box(face.face.box),
        face_metrics=FaceMetrics(**_metrics(face.metrics), rotation=number(face.metrics.rotation)),
        liveness_score=_liveness(face.pad),
        liveness_assessable=None if face.pad is None else obstacle is None,
        liveness_obstacle=None if face.pad is None else obstacle,
        recognisability=_optional(face.recognisability),
        pose=HeadPose(yaw=number(pose.yaw), pitch=number(pose.pitch), roll=number(pose.roll)),
        detector_score=number(face.face.score),
        verdicts={
            _WIRE_NAMES.get(name, name): verdict_of(verdict) for name, verdict in verdicts.items()
        },
    )


def _landmarks(landmarks: Landmarks) -> FaceLandmarks:
    points = [[round(float(x)), round(float(y))] for x, y in landmarks.points]
    return FaceLandmarks(**dict(zip(FaceLandmarks.model_fields, points, strict=True)))


def _bounding_box(box: Box) -> list[int]:
    """Corners are rounded, so that a box inside the picture stays inside it."""
    left, top = round(box.left), round(box.top)
    return [left, top, max(1, round(box.right) - left), max(1, round(box.bottom) - top)]


def _metrics(metrics: ImageMetrics) -> dict[str, float]:
    return {
        "underexposure": number(metrics.underexposure),
        "overexposure": number(metrics.overexposure),
        "sharpness": number(metrics.sharpness),
        "color": number(metrics.colour),
    }


def _detect_thresholds(thresholds: FaceThresholds) -> DetectThresholds:
    return DetectThresholds(
        underexposure=thresholds.underexposure,
        overexposure=thresholds.overexposure,
        sharpness=thresholds.sharpness,
        color=thresholds.colour,
        rotation=thresholds.rotation,
        liveness=thresholds.liveness,
        recognisability=thresholds.recognisability,
    )


def _liveness_assessed(
    comparison: FaceComparison, thresholds: FaceThresholds
) -> dict[str, bool | str | None]:
    """Of the first face that speaks against it; nothing where there is no score."""
    if comparison.pad is None:
        return {}
    obstacles = [liveness_obstacle(face, judge_face(face, thresholds)) for face in comparison.faces]
    obstacle = next(filter(None, obstacles), None)
    return {"liveness_assessable": obstacle is None, "liveness_obstacle": obstacle}


def _optional(value: float | None) -> float | None:
    return None if value is None else number(value)


def _liveness(pad: PadScore | None) -> float | None:
    return None if pad is None else number(pad.value)
