"""The verdict on a liveness session: all rules together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perse.domain.relief import (
    HeadShape,
    Relief,
    angle_between,
    mean_relief,
    median_relief,
    relief,
)
from perse.domain.session_continuity import continuity_failures
from perse.domain.session_frames import (
    FailureReason,
    GivenPrompt,
    ObservedFrame,
    Prompt,
    SessionJudgement,
    SessionKind,
    SessionPoints,
    SessionScores,
    without_repeats,
)
from perse.domain.session_identity import identity_failures, lowest_cosine, session_pad
from perse.domain.session_prompts import answer_times_s, baseline, prompt_failures

# Frames of a turn that depth is told by: at least this share of the turn that answers, and so many.
_FARTHER = 0.65
_MOST_PAIRS = 5
_TURNS = frozenset({Prompt.LOOK_LEFT, Prompt.LOOK_RIGHT})


@dataclass(frozen=True, slots=True)
class SessionRules:
    """The operating points of one kind of session and the average head that depth is told by."""

    points: SessionPoints
    head: HeadShape


def judge(
    kind: SessionKind,
    prompts: Sequence[GivenPrompt],
    frames: Sequence[ObservedFrame],
    rules: SessionRules,
) -> SessionJudgement:
    """``frames``: all that came, in the order in which they came. What came before somebody first
    looked ahead counts for nothing."""
    points, frames = rules.points, without_repeats(frames)
    seen = _since_begun(frames, points)
    turns = depth_of_turns(prompts, seen, rules) if kind is SessionKind.HEAD_TURNS else []
    depth = mean_relief([it for it in turns if it is not None])
    pad = session_pad(seen)
    reasons = [
        *([FailureReason.TOO_FEW_FRAMES] if len(seen) < points.least_frames else []),
        *continuity_failures(seen, points),
        *identity_failures(seen, points),
        *_attack_failures(kind, pad, points),
        *prompt_failures(prompts, frames, points),
        *_depth_failures(turns, depth, points),
    ]
    times = answer_times_s(prompts, frames, points)
    return SessionJudgement(
        tuple(dict.fromkeys(reasons)),
        SessionScores(
            pad=pad,
            same_face=lowest_cosine(seen),
            relief=depth.slope if depth else None,
            unbent_relief=depth.unbent if depth else None,
            longest_answer_s=max(times, default=None),
        ),
    )


def depth_of_turns(
    prompts: Sequence[GivenPrompt], frames: Sequence[ObservedFrame], rules: SessionRules
) -> list[Relief | None]:
    """Of each turn to a side that was asked for; None for one that could not be followed."""
    ends = [given.at_s for given in prompts[1:]] + [float("inf")]
    return [
        _depth_of(given, [it for it in frames if it.at_s < end], rules)
        for given, end in zip(prompts, ends, strict=True)
        if given.prompt in _TURNS
    ]


def _depth_of(
    given: GivenPrompt, frames: Sequence[ObservedFrame], rules: SessionRules
) -> Relief | None:
    """From the frame that looks most ahead to each of those that are turned farthest."""
    turned = [it for it in frames if it.at_s >= given.at_s]
    pairs = [pair for it in turned if (pair := _from_ahead(frames, it))]
    wide = [it for it in pairs if it[0] >= _FARTHER * rules.points.yaw_degrees]
    widest = sorted(wide, key=lambda it: -it[0])[:_MOST_PAIRS]
    known = [relief(ahead, frame, rules.head) for _, ahead, frame in widest]
    return median_relief([it for it in known if it is not None])


def _from_ahead(
    frames: Sequence[ObservedFrame], turned: ObservedFrame
) -> tuple[float, ObservedFrame, ObservedFrame] | None:
    """The angle to ``turned`` from the frame with the same points that looks most into the
    camera."""
    if turned.pose is None or turned.tracks is None:
        return None
    same = [
        (abs(it.pose.yaw), it.at_s, it.pose, it)
        for it in frames
        if it.pose and it.tracks and it.tracks.base == turned.tracks.base
    ]
    _, _, pose, ahead = min(same, key=lambda it: it[:2])
    return angle_between(pose, turned.pose), ahead, turned


def _depth_failures(
    turns: Sequence[Relief | None], depth: Relief | None, points: SessionPoints
) -> list[FailureReason]:
    """Of all turns to a side together; a session without any is not looked at for depth."""
    followed = sum(it is not None for it in turns)
    if depth is None or followed < min(len(turns), points.followed_turns):
        return [FailureReason.DEPTH_NOT_SEEN] if turns else []
    flat = depth.slope < points.relief or depth.unbent < points.unbent_relief
    return [FailureReason.NO_DEPTH] if flat else []


def _attack_failures(
    kind: SessionKind, pad: float | None, points: SessionPoints
) -> list[FailureReason]:
    """Without an attack detector only depth tells a head from a picture, and a passive session
    shows none."""
    if points.pad is None and kind is SessionKind.HEAD_TURNS:
        return []
    if points.pad is None or pad is None:
        return [FailureReason.TOO_FEW_FRAMES]
    return [FailureReason.PRESENTATION_ATTACK] if pad < points.pad else []


def _since_begun(frames: Sequence[ObservedFrame], points: SessionPoints) -> list[ObservedFrame]:
    start = baseline(frames, points)
    return [it for it in frames if start is not None and it.at_s >= start.from_s]
