"""What a liveness session asks for, and what is measured of every frame that answers.

Angles are those of HeadPose: yaw > 0 is turned to the subject's own left, pitch > 0 looks up. So
frames are as the camera took them; a mirrored preview must not be sent, or left answers right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from perse.domain.decisions import PadScore
from perse.domain.geometry import Box, HeadPose, Landmarks, Points
from perse.domain.references import Template
from perse.errors import InvalidParameter

# Of the largest face's height.
_NEAR_SHARE = 0.5


class SessionKind(StrEnum):
    """``PASSIVE`` asks for nothing but a look ahead; ``HEAD_TURNS`` for movements as well."""

    PASSIVE = "passive"
    HEAD_TURNS = "head_turns"


class Prompt(StrEnum):
    """What a person is asked to do; left and right are their own."""

    LOOK_AHEAD = "look_ahead"
    LOOK_LEFT = "look_left"
    LOOK_RIGHT = "look_right"
    LOOK_UP = "look_up"
    COME_CLOSER = "come_closer"


@dataclass(frozen=True, slots=True)
class GivenPrompt:
    """A prompt and when it left the server, seconds on the session's clock."""

    prompt: Prompt
    at_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Where points of the face that were picked on one frame are seen on another.

    ``base``: which picking; points of one base are the same in the same rows. ``points``: float32
    n x 2, pixels of the frame; NaN once a point is lost, and for good.
    """

    base: int
    points: Points

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] != 2:
            raise InvalidParameter("tracks are n points of x and y")

    @property
    def followed(self) -> float:
        """Share of the points that are still seen, 0..1."""
        return float(np.isfinite(self.points).all(axis=1).mean()) if len(self.points) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObservedFrame:
    """What was measured of one frame; nothing of its pixels is left.

    ``at_s``: when the server had it, seconds on the session's clock, which never goes back.
    ``client_at_s``: when the client says that the camera took it, seconds on a clock of its own.
    ``digest``: SHA-256 of the frame as it was sent. ``faces``: how many are before the camera; what
    follows is of the largest, None where there is none or where it was not measured.
    ``recognisability``: 0..1, of the template. ``silent_s``: the longest time in which the client
    sent none since the frame that was looked at before; None where all that came were looked at.
    """

    at_s: float
    digest: bytes
    client_at_s: float | None = None
    faces: int = 0
    box: Box | None = None
    landmarks: Landmarks | None = None
    pose: HeadPose | None = None
    pad: PadScore | None = None
    template: Template | None = None
    recognisability: float | None = None
    tracks: Tracks | None = None
    silent_s: float | None = None

    def __post_init__(self) -> None:
        times = (self.at_s, 0.0 if self.client_at_s is None else self.client_at_s)
        if not all(math.isfinite(time) for time in times):
            raise InvalidParameter("the time of a frame is a finite number of seconds")
        if (self.faces > 0) != (self.box is not None):
            raise InvalidParameter("a frame with a face has its box, one without has none")

    @property
    def taken_s(self) -> float:
        """When it was taken, as far as that is known; differences mean something, the value not."""
        return self.at_s if self.client_at_s is None else self.client_at_s


def faces_before_camera(boxes: Sequence[Box]) -> int:
    """How many of the faces are near enough to be somebody who takes part, and no passer-by."""
    largest = max((box.height for box in boxes), default=0.0)
    return sum(box.height >= _NEAR_SHARE * largest for box in boxes)


def without_repeats(frames: Sequence[ObservedFrame]) -> list[ObservedFrame]:
    """Without those that equal the frame just before: a slow camera read too often is no replay."""
    return [
        frame
        for before, frame in zip([None, *frames], frames, strict=False)
        if before is None or before.digest != frame.digest
    ]


class FailureReason(StrEnum):
    """Why a session did not pass. Words for backends, not for the person before the camera."""

    TOO_FEW_FRAMES = "too_few_frames"  # less was seen than any verdict could stand on
    FACE_LOST = "face_lost"  # no face for longer than a blink of the camera
    SECOND_FACE = "second_face"
    FACE_CHANGED = "face_changed"  # two frames show different people
    FACE_NOT_RECOGNISABLE = "face_not_recognisable"  # too little is seen of it to tell
    PROMPT_NOT_FOLLOWED = "prompt_not_followed"  # not done, not in order, or not in time
    PROMPT_FORESEEN = "prompt_foreseen"  # done before anybody can have read it
    PRESENTATION_ATTACK = "presentation_attack"  # looks like a print or a screen
    NO_DEPTH = "no_depth"  # moved as a sheet does, not as a head
    DEPTH_NOT_SEEN = "depth_not_seen"  # could not be followed through the movement
    REPEATED_FRAME = "repeated_frame"
    TIME_REVERSED = "time_reversed"  # the client's clock went back, or not with the server's
    JUMP = "jump"  # moved between two frames as nobody can
    SLOWED_DOWN = "slowed_down"  # too few frames were sent, once the order was known


@dataclass(frozen=True, slots=True)
class SessionScores:
    """What the rules measured; each None where it could not be told.

    ``pad``: 0..1, of all frames together, higher = more bona fide. ``same_face``: the lowest cosine
    between a frame and the reference frame. ``relief``: of the turns to a side; 0 for a sheet,
    about 1 for a head; ``unbent_relief``: the same where a sheet may be bent.
    ``longest_answer_s``: from a prompt to its answer.
    """

    pad: float | None = None
    same_face: float | None = None
    relief: float | None = None
    unbent_relief: float | None = None
    longest_answer_s: float | None = None


@dataclass(frozen=True, slots=True)
class SessionJudgement:
    """``reasons``: all that spoke against it, each once; none of them = ``passed``."""

    reasons: tuple[FailureReason, ...]
    scores: SessionScores

    @property
    def passed(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPoints:
    """The operating points of the rules, one kind of session's, for one pack of networks.

    Times in seconds, angles in degrees beyond the look ahead that the session began with, speeds
    per second. They come from ``weights/shipped/liveness_sessions.toml``.
    """

    least_frames: int
    ahead_degrees: float  # this much off the camera's axis still looks ahead
    yaw_degrees: float  # least turn that answers left and right
    pitch_degrees: float  # the same of up
    closer: float  # times the size that the face had
    reaction_s: float  # nobody answers sooner after a prompt was sent
    answer_s: float  # nor is anybody waited for longer
    pad: float | None  # least score of all frames together; None without an attack detector
    same_face_cosine: float
    recognisability: float
    relief: float  # least depth of the turns to a side, see domain/relief
    unbent_relief: float
    followed_turns: int  # so many turns to a side must have been followed, if so many were asked
    longest_gap_s: float  # without a face, or without a frame from the client
    least_sent_share: float  # of the frames that were asked for, the client sends as many
    enough_sent_per_s: float  # or so many a second
    clock_drift_s: float  # between the client's clock and the server's
    degrees_per_s: float
    widths_per_s: float  # of the box's middle, in widths of the face
    growth_per_s: float  # of the face's height, times e to this
