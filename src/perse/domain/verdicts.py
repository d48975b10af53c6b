"""What the quality of a face means for a person: good enough or not, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from perse.domain.faces import AssessedFace, FaceComparison, FaceThresholds
from perse.domain.geometry import HeadPose

_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "underexposure": "Turn towards the light, or add some: the face is too dark.",
        "overexposure": "Leave the direct light or flash: parts of the face are burnt out.",
        "sharpness": "Hold still, clean the lens and let the camera focus: the face is blurred.",
        "colour": "Use white light, without coloured lamps or filters: skin looks unnatural.",
        "rotation": "Look straight into the camera.",
        "upright": "Send the picture the right way up: the head does not stand upright in it.",
        "liveness": "Show your own face to the camera, not a picture or a screen.",
        "recognisability": "Show your whole face to the camera, upright, near and sharp, "
        "with nothing before it.",
    }
)

# A head tilted farther lies, and a picture with it was turned rather than the head.
_LYING_DEGREES = 45.0
# The smallest faces whose liveness errors were measured: docs/liveness.md, "face 48 px".
_SMALLEST_LIVENESS_FACE_PX = 48
_LIVENESS_NEEDS = ("underexposure", "overexposure", "sharpness", "rotation")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One measure against its threshold.

    Lower is better: good strictly below the threshold. Higher is better: good from it on.
    ``guidance`` is a sentence for the person before the camera, empty when all is well.
    """

    value: float
    threshold: float
    higher_is_better: bool
    advice: str

    @property
    def passed(self) -> bool:
        if self.higher_is_better:
            return self.value >= self.threshold
        return self.value < self.threshold

    @property
    def guidance(self) -> str:
        return "" if self.passed else self.advice


def judge_face(face: AssessedFace, thresholds: FaceThresholds) -> Mapping[str, Verdict]:
    """A verdict per measure. Liveness and recognisability have one only where they were measured
    and have a threshold."""
    metrics = face.metrics
    verdicts = {
        "underexposure": _lower(metrics.underexposure, thresholds.underexposure, "underexposure"),
        "overexposure": _lower(metrics.overexposure, thresholds.overexposure, "overexposure"),
        "sharpness": _higher(metrics.sharpness, thresholds.sharpness, "sharpness"),
        "colour": _lower(metrics.colour, thresholds.colour, "colour"),
        "rotation": _lower(metrics.rotation, thresholds.rotation, _turn_of(face.pose)),
    }
    if face.pad is not None and thresholds.liveness is not None:
        verdicts["liveness"] = _higher(face.pad.value, thresholds.liveness, "liveness")
    if face.recognisability is not None and thresholds.recognisability is not None:
        verdicts["recognisability"] = _higher(
            face.recognisability, thresholds.recognisability, "recognisability"
        )
    return verdicts


def liveness_obstacle(face: AssessedFace, verdicts: Mapping[str, Verdict]) -> str | None:
    """Why the PAD score of this face says little, as a sentence; None when nothing speaks against
    it. ``verdicts`` as ``judge_face`` gives them."""
    if face.face.box.longer_side < _SMALLEST_LIVENESS_FACE_PX:
        return f"Come closer: the face is smaller than {_SMALLEST_LIVENESS_FACE_PX} pixels."
    failed = (verdicts[measure] for measure in _LIVENESS_NEEDS if not verdicts[measure].passed)
    return next((verdict.guidance for verdict in failed), None)


def is_surely_live(face: AssessedFace, thresholds: FaceThresholds) -> bool:
    """Live by its PAD score, and nothing speaks against that score. Never where none was had."""
    verdicts = judge_face(face, thresholds)
    liveness = verdicts.get("liveness")
    if liveness is None or not liveness.passed:
        return False
    return liveness_obstacle(face, verdicts) is None


def similarity_obstacle(comparison: FaceComparison, thresholds: FaceThresholds) -> str | None:
    """Why two templates cannot be told apart, as a sentence with what to do; None when they can.

    What fails first of the faces seen is named; the enrolled one was not seen.
    """
    if comparison.assessable:
        return None
    known = comparison.resemblance.recognisability
    for face, recognisability in zip(comparison.faces, known, strict=False):
        judged = judge_face(replace(face, recognisability=recognisability), thresholds)
        if "recognisability" in judged and not judged["recognisability"].passed:
            return next(it.guidance for it in judged.values() if not it.passed)
    return "The enrolled picture shows too little of the face: update it with a better one."


def is_recognisable(face: AssessedFace, thresholds: FaceThresholds) -> bool:
    """Whether it would be recognised again; also where that is not known."""
    verdict = judge_face(face, thresholds).get("recognisability")
    return verdict is None or verdict.passed


def _turn_of(pose: HeadPose) -> str:
    """The advice that helps a head turned like this."""
    return "upright" if abs(pose.roll) > _LYING_DEGREES else "rotation"


def _lower(value: float, threshold: float, measure: str) -> Verdict:
    return Verdict(value, threshold, higher_is_better=False, advice=_ADVICE[measure])


def _higher(value: float, threshold: float, measure: str) -> Verdict:
    return Verdict(value, threshold, higher_is_better=True, advice=_ADVICE[measure])
