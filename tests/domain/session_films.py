"""Sessions as the rules see them, made of angles and boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from perse.domain.geometry import Box, HeadPose
from perse.domain.session_frames import GivenPrompt, ObservedFrame, Prompt, SessionPoints

STEP_S = 0.125

POINTS = SessionPoints(
    least_frames=8,
    ahead_degrees=15,
    yaw_degrees=18,
    pitch_degrees=10,
    closer=1.25,
    reaction_s=0.3,
    answer_s=8,
    pad=0.5,
    same_face_cosine=0.4,
    recognisability=0.3,
    relief=0.5,
    unbent_relief=0.2,
    followed_turns=1,
    longest_gap_s=1.0,
    least_sent_share=2 / 3,
    enough_sent_per_s=3.0,
    clock_drift_s=2.0,
    degrees_per_s=300,
    widths_per_s=4,
    growth_per_s=3,
)


def frame(
    at_s: float, yaw: float = 0, pitch: float = 0, *, height: float = 200, faces: int = 1
) -> ObservedFrame:
    return ObservedFrame(
        at_s=at_s,
        digest=f"{at_s:.4f}".encode(),
        client_at_s=at_s + 1000,
        faces=faces,
        box=Box(300 - height / 2, 250 - height / 2, height * 0.8, height) if faces else None,
        pose=HeadPose(yaw, pitch, 0) if faces else None,
    )


def film(
    *moves: tuple[float, float], heights: Iterable[float] | None = None
) -> list[ObservedFrame]:
    """Eight frames a second; each of ``moves`` is (yaw, pitch)."""
    sizes = list(heights) if heights is not None else [200.0] * len(moves)
    return [
        frame(index * STEP_S, yaw, pitch, height=height)
        for index, ((yaw, pitch), height) in enumerate(zip(moves, sizes, strict=True))
    ]


def turning(*stops: tuple[float, float], steps: int = 6) -> list[tuple[float, float]]:
    """From stop to stop in ``steps`` frames each."""
    moves = [stops[0]]
    for before, after in pairwise(stops):
        for step in range(1, steps + 1):
            share = step / steps
            moves.append(
                (
                    before[0] + (after[0] - before[0]) * share,
                    before[1] + (after[1] - before[1]) * share,
                )
            )
    return moves


AHEAD = (0.0, 0.0)
LEFT, RIGHT, UP = (25.0, 0.0), (-25.0, 0.0), (0.0, 18.0)


def calm_session() -> tuple[list[GivenPrompt], list[ObservedFrame]]:
    """Ahead, left, right, up, each prompt given when the one before was answered."""
    frames = film(*turning(AHEAD, AHEAD, LEFT, LEFT, AHEAD, RIGHT, RIGHT, AHEAD, UP, UP, AHEAD))
    prompts = [
        GivenPrompt(Prompt.LOOK_AHEAD, 0.0),
        GivenPrompt(Prompt.LOOK_LEFT, 3 * STEP_S),
        GivenPrompt(Prompt.LOOK_RIGHT, 14 * STEP_S),
        GivenPrompt(Prompt.LOOK_UP, 34 * STEP_S),
    ]
    return prompts, frames


def altered(frames: Sequence[ObservedFrame], where: range, **values: object) -> list[ObservedFrame]:
    """The same film with other values in the frames of ``where``."""
    return [
        replace(frame, **values) if index in where else frame  # type: ignore[arg-type]
        for index, frame in enumerate(frames)
    ]
