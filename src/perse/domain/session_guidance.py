"""What the person before the camera can do so that a session sees enough. Nothing here depends on
whether the face seems to be live: whoever attacks learns nothing from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from perse.domain.faces import AssessedFace, FaceThresholds
from perse.domain.geometry import Box
from perse.domain.session_frames import Prompt
from perse.domain.verdicts import judge_face


class Guidance(StrEnum):
    """``OK``: nothing is in the way."""

    OK = "ok"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    COME_CLOSER = "come_closer"
    MOVE_BACK = "move_back"
    MOVE_TO_CENTRE = "move_to_centre"
    MORE_LIGHT = "more_light"
    LESS_LIGHT = "less_light"
    HOLD_STILL = "hold_still"
    LOOK_AHEAD = "look_ahead"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a frame shows, for whoever guides: its size in pixels, how many faces, the largest."""

    width_px: int
    height_px: int
    faces: int
    face: AssessedFace | None


# Heights of the face in shares of the frame's, and how far its middle may be from the frame's.
_LEAST_HEIGHT: Final = 0.25
_MOST_HEIGHT: Final = 0.75
_MOST_HEIGHT_NEAR: Final = 0.95
_MOST_OFF_CENTRE: Final = 0.25


def guide(sight: Sight, prompt: Prompt, thresholds: FaceThresholds) -> Guidance:
    """What is in the way of ``prompt`` first."""
    if sight.face is None:
        return Guidance.NO_FACE
    if sight.faces > 1:
        return Guidance.SEVERAL_FACES
    for in_the_way in (_place(sight, sight.face.face.box, prompt), _light(sight.face, thresholds)):
        if in_the_way is not None:
            return in_the_way
    return _stillness(sight.face, prompt, thresholds)


def _place(sight: Sight, box: Box, prompt: Prompt) -> Guidance | None:
    share = box.height / sight.height_px
    most = _MOST_HEIGHT_NEAR if prompt is Prompt.COME_CLOSER else _MOST_HEIGHT
    if share < _LEAST_HEIGHT:
        return Guidance.COME_CLOSER
    if share > most:
        return Guidance.MOVE_BACK
    off: Sequence[float] = [
        abs(middle / size - 0.5)
        for middle, size in zip(box.centre, (sight.width_px, sight.height_px), strict=True)
    ]
    return Guidance.MOVE_TO_CENTRE if max(off) > _MOST_OFF_CENTRE else None


def _light(face: AssessedFace, thresholds: FaceThresholds) -> Guidance | None:
    verdicts = judge_face(face, thresholds)
    if not verdicts["underexposure"].passed:
        return Guidance.MORE_LIGHT
    return None if verdicts["overexposure"].passed else Guidance.LESS_LIGHT


def _stillness(face: AssessedFace, prompt: Prompt, thresholds: FaceThresholds) -> Guidance:
    """Movements blur and turn a face as they should."""
    if prompt is not Prompt.LOOK_AHEAD:
        return Guidance.OK
    verdicts = judge_face(face, thresholds)
    if not verdicts["rotation"].passed:
        return Guidance.LOOK_AHEAD
    return Guidance.OK if verdicts["sharpness"].passed else Guidance.HOLD_STILL
