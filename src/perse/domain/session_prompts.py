"""Whether the head did what it was asked, in order and in human time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perse.domain.geometry import Box, HeadPose
from perse.domain.session_frames import (
    FailureReason,
    GivenPrompt,
    ObservedFrame,
    Prompt,
    SessionPoints,
)

# So many frames in a row, since a single pose may be off by several degrees.
_STEADY = 3


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the face was held at first, and from when on; movements are told from there."""

    yaw: float
    pitch: float
    width_px: float
    height_px: float
    from_s: float


def baseline(frames: Sequence[ObservedFrame], points: SessionPoints) -> Baseline | None:
    """The first frames in a row that look ahead, one face on each; None before there are any."""
    run: list[ObservedFrame] = []
    for frame in frames:
        run = [*run, frame] if _ahead(frame, points) else []
        if len(run) == _STEADY:
            poses = [it.pose for it in run if it.pose]
            sizes = [(it.box.width, it.box.height) for it in run if it.box]
            yaw, pitch = np.median([(it.yaw, it.pitch) for it in poses], axis=0).tolist()
            width, height = np.median(sizes, axis=0).tolist()
            return Baseline(yaw, pitch, width, height, run[0].at_s)
    return None


def answered(
    given: GivenPrompt, frames: Sequence[ObservedFrame], points: SessionPoints
) -> ObservedFrame | None:
    """The frame with which ``given`` is answered; None while it is not.

    ``frames``: all of the session, so far or until the next prompt was given.
    """
    start = baseline(frames, points)
    if start is None:
        return None
    since = [frame for frame in frames if frame.at_s >= given.at_s]
    return _first_held(given.prompt, since, start, points)


def prompt_failures(
    prompts: Sequence[GivenPrompt], frames: Sequence[ObservedFrame], points: SessionPoints
) -> list[FailureReason]:
    """What is wrong with the answers, each once; none = every prompt was followed in its turn."""
    start = baseline(frames, points)
    if start is None:
        return [FailureReason.PROMPT_NOT_FOLLOWED]
    ends = [given.at_s for given in prompts[1:]] + [float("inf")]
    told = {
        failure
        for before, given, end in zip([None, *prompts], prompts, ends, strict=False)
        if (failure := _failure(before, given, _between(frames, given.at_s, end), start, points))
    }
    return sorted(told)


def answer_times_s(
    prompts: Sequence[GivenPrompt], frames: Sequence[ObservedFrame], points: SessionPoints
) -> list[float]:
    """From each prompt that was answered to its answer."""
    answers = [(given, answered(given, frames, points)) for given in prompts]
    return [answer.at_s - given.at_s for given, answer in answers if answer]


def _failure(
    before: GivenPrompt | None,
    given: GivenPrompt,
    frames: Sequence[ObservedFrame],
    start: Baseline,
    points: SessionPoints,
) -> FailureReason | None:
    answer = _first_held(given.prompt, frames, start, points)
    if answer is None or answer.at_s - given.at_s > points.answer_s:
        return FailureReason.PROMPT_NOT_FOLLOWED
    if given.prompt is Prompt.LOOK_AHEAD:
        return None
    if answer.at_s - given.at_s < points.reaction_s:
        return FailureReason.PROMPT_FORESEEN
    allowed = {given.prompt, Prompt.LOOK_AHEAD, before.prompt if before else None}
    until = _between(frames, given.at_s, answer.at_s)
    wrong = (it for it in Prompt if it not in allowed)
    if any(_first_held(it, until, start, points) for it in wrong):
        return FailureReason.PROMPT_NOT_FOLLOWED
    return None


def _first_held(
    prompt: Prompt, frames: Sequence[ObservedFrame], start: Baseline, points: SessionPoints
) -> ObservedFrame | None:
    """The second of the first two frames in a row that show it: one alone may be misread."""
    done = pairwise(_done(prompt, frame, start, points) for frame in frames)
    return next((frame for both, frame in zip(done, frames[1:], strict=False) if all(both)), None)


def _done(prompt: Prompt, frame: ObservedFrame, start: Baseline, points: SessionPoints) -> bool:
    pose, box = frame.pose, frame.box
    if pose is None or box is None:
        return False
    match prompt:
        case Prompt.LOOK_LEFT:
            return pose.yaw - start.yaw >= points.yaw_degrees
        case Prompt.LOOK_RIGHT:
            return start.yaw - pose.yaw >= points.yaw_degrees
        case Prompt.LOOK_UP:
            return pose.pitch - start.pitch >= points.pitch_degrees
        case Prompt.COME_CLOSER:
            return _growth(box, start) >= points.closer
        case Prompt.LOOK_AHEAD:
            return _near(pose, start, points)


def _growth(box: Box, start: Baseline) -> float:
    """Times the size that the face had; of two sides the one that no border of the picture cuts."""
    return max(box.width / start.width_px, box.height / start.height_px)


def _near(pose: HeadPose, start: Baseline, points: SessionPoints) -> bool:
    away = max(abs(pose.yaw - start.yaw), abs(pose.pitch - start.pitch))
    return away <= points.ahead_degrees


def _ahead(frame: ObservedFrame, points: SessionPoints) -> bool:
    if frame.faces != 1 or frame.pose is None:
        return False
    return max(abs(frame.pose.yaw), abs(frame.pose.pitch)) <= points.ahead_degrees


def _between(frames: Sequence[ObservedFrame], start_s: float, end_s: float) -> list[ObservedFrame]:
    return [frame for frame in frames if start_s <= frame.at_s < end_s]
