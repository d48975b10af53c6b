"""Whether frames can be one unbroken look of a camera at one person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from perse.domain.session_frames import FailureReason, ObservedFrame, SessionPoints

# Frames that arrive together tell nothing of speed.
_SHORTEST_S = 0.05


def repeated(frames: Sequence[ObservedFrame]) -> bool:
    """Whether a frame comes again after others; no camera sees the same noise twice."""
    digests = [frame.digest for frame in frames]
    return len(set(digests)) < len(digests)


def time_reversed(frames: Sequence[ObservedFrame], points: SessionPoints) -> bool:
    """Whether the client's clock went back or stood, or did not go with the server's.

    The server's is late by what the network takes, never early.
    """
    known = [(it.at_s, it.client_at_s) for it in frames if it.client_at_s is not None]
    if not known:
        return False
    if any(after[1] <= before[1] for before, after in pairwise(known)):
        return True
    late = [at_s - client_at_s for at_s, client_at_s in known]
    return max(late) - min(late) > points.clock_drift_s


def face_lost(frames: Sequence[ObservedFrame], points: SessionPoints) -> bool:
    """Whether there was no face for too long, or no frame at all. One that came and was not looked
    at, because the server was busy, is taken to show what one beside it shows."""
    away_s = 0.0
    for before, after in pairwise(frames):
        away_s += _away_s(before, after)
        if away_s > points.longest_gap_s:
            return True
        if after.faces:
            away_s = 0.0
    return False


def _away_s(before: ObservedFrame, after: ObservedFrame) -> float:
    """How long nobody can have been there between two frames that were looked at."""
    between_s = after.taken_s - before.taken_s
    nobody = not (before.faces or after.faces)
    return between_s if nobody or after.silent_s is None else after.silent_s


def second_face(frames: Sequence[ObservedFrame]) -> bool:
    """Whether two frames in a row show more than one face; one alone may be misread."""
    several = [frame.faces > 1 for frame in frames]
    return any(one and other for one, other in pairwise(several))


def jumped(frames: Sequence[ObservedFrame], points: SessionPoints) -> bool:
    """Whether the face was elsewhere, of another size or turned otherwise so soon as no head is."""
    seen = [frame for frame in frames if frame.box and frame.pose]
    return any(_too_fast(before, after, points) for before, after in pairwise(seen))


def continuity_failures(
    frames: Sequence[ObservedFrame], points: SessionPoints
) -> list[FailureReason]:
    """What of the above holds. ``frames``: without those that equal the one just before."""
    told = {
        FailureReason.REPEATED_FRAME: repeated(frames),
        FailureReason.TIME_REVERSED: time_reversed(frames, points),
        FailureReason.FACE_LOST: face_lost(frames, points),
        FailureReason.SECOND_FACE: second_face(frames),
        FailureReason.JUMP: jumped(frames, points),
    }
    return [reason for reason, holds in told.items() if holds]


def _too_fast(before: ObservedFrame, after: ObservedFrame, points: SessionPoints) -> bool:
    if not (before.box and after.box and before.pose and after.pose):
        return False
    time_s = max(after.taken_s - before.taken_s, _SHORTEST_S)
    turned = math.hypot(after.pose.yaw - before.pose.yaw, after.pose.pitch - before.pose.pitch)
    moved = math.dist(before.box.centre, after.box.centre) / before.box.width
    grown = abs(math.log(after.box.height / before.box.height))
    return (
        turned > points.degrees_per_s * time_s
        or moved > points.widths_per_s * time_s
        or grown > points.growth_per_s * time_s
    )
