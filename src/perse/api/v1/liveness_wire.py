"""What is said of a face's liveness, in the words of ``/v1``."""

from __future__ import annotations

from typing import Any

from perse.api.v0.measures import number
from perse.domain.faces import AssessedFace, FaceThresholds
from perse.domain.verdicts import judge_face, liveness_obstacle


def liveness_wire(face: AssessedFace, thresholds: FaceThresholds) -> dict[str, Any]:
    """Nothing where there is no score."""
    if face.pad is None:
        return {}
    least, obstacle = thresholds.liveness, liveness_obstacle(face, judge_face(face, thresholds))
    return {
        "liveness_score": number(face.pad.value),
        "liveness_threshold": None if least is None else number(least),
        "liveness_assessable": obstacle is None,
        "liveness_obstacle": obstacle,
    }
