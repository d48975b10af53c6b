"""Which faces may be enrolled."""

from __future__ import annotations

import math
from dataclasses import replace
from enum import StrEnum

from perse.domain.faces import AssessedFace, FaceThresholds
from perse.domain.geometry import HeadPose
from perse.domain.quality import FaceMetrics
from perse.domain.verdicts import judge_face
from perse.errors import ImageOverexposed, ImageUnderexposed, ImageUnusable

# A head turned farther is a profile to a network that was shown few of them.
_FARTHEST_DEGREES = 45.0
# What is enrolled must more likely be recognised again than not; a comparison can tell with less.
_LEAST_RECOGNISABILITY = 0.5


class EnrolmentGate(StrEnum):
    """``CONTRACT``: exposure alone. ``STANDARD``: also what would not be recognised again.
    ``STRICT``: whatever fails a verdict."""

    CONTRACT = "contract"
    STANDARD = "standard"
    STRICT = "strict"

    def check(self, face: AssessedFace, thresholds: FaceThresholds) -> None:
        """Raises ImageUnusable for a face that must not be enrolled."""
        if self is not EnrolmentGate.CONTRACT:
            advice = _advice(face, thresholds, every=self is EnrolmentGate.STRICT)
            if advice:
                raise ImageUnusable(f"this face would not be recognised again. {advice}")


def check_exposure(metrics: FaceMetrics, thresholds: FaceThresholds) -> None:
    """Raises ImageUnderexposed or ImageOverexposed above the threshold."""
    if metrics.underexposure > thresholds.underexposure:
        raise ImageUnderexposed(
            f"the face is too dark: {metrics.underexposure:.2f} of it is black, at most "
            f"{thresholds.underexposure:.2f} may be; turn towards the light, or add some"
        )
    if metrics.overexposure > thresholds.overexposure:
        raise ImageOverexposed(
            f"the face is burnt out: {metrics.overexposure:.2f} of it is white, at most "
            f"{thresholds.overexposure:.2f} may be; leave the direct light or flash"
        )


def _advice(face: AssessedFace, thresholds: FaceThresholds, *, every: bool) -> str:
    """What the person can do, empty when there is nothing to do."""
    verdicts = judge_face(face, _stricter(thresholds))
    failed = [name for name, verdict in verdicts.items() if not verdict.passed]
    turned = _turned_away_degrees(face.pose) > _FARTHEST_DEGREES
    if not (turned or "recognisability" in failed or (every and failed)):
        return ""
    return " ".join(verdicts[name].guidance for name in failed)


def _turned_away_degrees(pose: HeadPose) -> float:
    """From the camera; a head, or a picture, that only lies on its side is not."""
    yaw, pitch = math.radians(pose.yaw), math.radians(pose.pitch)
    return math.degrees(math.acos(math.cos(yaw) * math.cos(pitch)))


def _stricter(thresholds: FaceThresholds) -> FaceThresholds:
    least = thresholds.recognisability
    higher = None if least is None else max(least, _LEAST_RECOGNISABILITY)
    return replace(thresholds, recognisability=higher)
