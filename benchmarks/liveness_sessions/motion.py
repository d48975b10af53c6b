"""How a head moved in a session: what the limits on movements and times are put to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from benchmarks.liveness_sessions.running import Session
from perse.domain.geometry import Box, HeadPose
from perse.domain.session_frames import GivenPrompt, ObservedFrame, Prompt, SessionPoints
from perse.domain.session_prompts import Baseline, answer_times_s, baseline

Seen = tuple[float, Box, HeadPose]

_SHORTEST_S = 0.05
_NAMES = {
    Prompt.LOOK_LEFT: "yaw_degrees",
    Prompt.LOOK_RIGHT: "yaw_degrees",
    Prompt.LOOK_UP: "pitch_degrees",
    Prompt.COME_CLOSER: "closer",
}


def motion_of(session: Session, points: SessionPoints) -> Mapping[str, float]:
    """By the name of the limit in ``liveness_sessions.toml``, as far as it can be told. How far the
    head went is that of the movement in which it went least far."""
    seen = [(it.taken_s, it.box, it.pose) for it in session.frames if it.box and it.pose]
    start = baseline(session.frames, points)
    times = answer_times_s(session.prompts, session.frames, points)
    told = {
        "reaction_s": min(times[1:], default=None),
        "answer_s": max(times, default=None),
        "longest_gap_s": max((later[0] - it[0] for it, later in pairwise(seen)), default=None),
        "clock_drift_s": _drift_s(session.frames),
        "degrees_per_s": _fastest(seen, _turned),
        "widths_per_s": _fastest(seen, _moved),
        "growth_per_s": _fastest(seen, _grown),
    }
    known = {name: value for name, value in told.items() if value is not None}
    return known if start is None else {**known, **_reached(session, seen, start)}


def _reached(session: Session, seen: Sequence[Seen], start: Baseline) -> Mapping[str, float]:
    reached: dict[str, float] = {"ahead_degrees": max(abs(start.yaw), abs(start.pitch))}
    for given, until_s in _asked(session):
        answers = [it for it in seen if given.at_s <= it[0] < until_s]
        if name := _NAMES.get(given.prompt):
            farthest = max((_how_far(given.prompt, it, start) for it in answers), default=0.0)
            reached[name] = min(farthest, reached.get(name, math.inf))
    return reached


def _asked(session: Session) -> Iterator[tuple[GivenPrompt, float]]:
    ends = [given.at_s for given in session.prompts[1:]] + [math.inf]
    return zip(session.prompts, ends, strict=True)


def _how_far(prompt: Prompt, seen: Seen, start: Baseline) -> float:
    _, box, pose = seen
    match prompt:
        case Prompt.LOOK_LEFT:
            return pose.yaw - start.yaw
        case Prompt.LOOK_RIGHT:
            return start.yaw - pose.yaw
        case Prompt.LOOK_UP:
            return pose.pitch - start.pitch
        case _:
            return max(box.width / start.width_px, box.height / start.height_px)


def _fastest(seen: Sequence[Seen], change: Callable[[Seen, Seen], float]) -> float | None:
    speeds = [
        change(before, after) / max(after[0] - before[0], _SHORTEST_S)
        for before, after in pairwise(seen)
    ]
    return max(speeds, default=None)


def _turned(before: Seen, after: Seen) -> float:
    return math.hypot(after[2].yaw - before[2].yaw, after[2].pitch - before[2].pitch)


def _moved(before: Seen, after: Seen) -> float:
    return math.dist(before[1].centre, after[1].centre) / before[1].width


def _grown(before: Seen, after: Seen) -> float:
    return abs(math.log(after[1].height / before[1].height))


def _drift_s(frames: Sequence[ObservedFrame]) -> float | None:
    late = [it.at_s - it.client_at_s for it in frames if it.client_at_s is not None]
    return max(late) - min(late) if late else None
