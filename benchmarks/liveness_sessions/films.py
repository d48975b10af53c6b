"""What is held before the camera during a session, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.liveness_sessions.surfaces import Stance, Surface
from perse.domain.geometry import HeadPose
from perse.domain.samples import Pixels
from perse.domain.session_frames import GivenPrompt, Prompt

Generator = np.random.Generator
_SPARE = 64
STILL = Stance(HeadPose(0, 0, 0))


class Film(Protocol):
    """Answers prompts or not. ``lag_s``: how late a frame that was taken then arrives."""

    def frame(self, at_s: float, given: Sequence[GivenPrompt]) -> bytes: ...

    def lag_s(self, at_s: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Manner:
    """How far and how fast prompts are followed; ``sway``: how unsteadily it is held."""

    yaw: float = 26.0
    pitch: float = 17.0
    closer: float = 1.4
    delay_s: float = 0.6
    move_s: float = 0.7
    sway: float = 1.0
    cuts: bool = False


def drawn_manner(rng: Generator) -> Manner:
    """That of some calm person."""
    return Manner(
        yaw=rng.uniform(23, 30),
        pitch=rng.uniform(14, 20),
        closer=rng.uniform(1.35, 1.5),
        delay_s=rng.uniform(0.5, 1.0),
        move_s=rng.uniform(0.6, 1.1),
    )


@dataclass(slots=True)
class Camera:
    """Noise, and JPEG as browsers make it."""

    rng: Generator
    noise: float = 2.0
    quality: int = 85
    grain: NDArray[np.float32] | None = None

    def take(self, view: Pixels) -> bytes:
        """Each picture with another part of the same noise, which is quicker than new noise."""
        if self.grain is None:
            size = (view.shape[0] + _SPARE, view.shape[1] + _SPARE, 3)
            self.grain = self.noise * self.rng.standard_normal(size, np.float32)
        top, left = self.rng.integers(_SPARE, size=2)
        grain = self.grain[top : top + view.shape[0], left : left + view.shape[1]]
        seen = np.clip(view + grain, 0, 255).astype(np.uint8)
        flags = [cv2.IMWRITE_JPEG_QUALITY, self.quality]
        return bytes(cv2.imencode(".jpg", seen[..., ::-1], flags)[1].tobytes())


@dataclass(slots=True)
class Turning:
    """A surface that follows the prompts. ``show``: what is on it at that stance, itself otherwise.
    ``hand``: the surface that what is shown is on."""

    surface: Surface
    manner: Manner
    camera: Camera
    treated: Callable[[Pixels], Pixels] | None = None
    hand: Surface | None = None
    held_still: bool = False
    phases: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.phases = self.camera.rng.uniform(0, 2 * math.pi, 6).tolist()

    def frame(self, at_s: float, given: Sequence[GivenPrompt]) -> bytes:
        return self.camera.take(self.view(at_s, given))

    def lag_s(self, at_s: float) -> float:  # noqa: ARG002
        return 0.05

    def view(self, at_s: float, given: Sequence[GivenPrompt]) -> Pixels:
        stance = STILL if self.held_still else stance_at(at_s, given, self.manner)
        if self.hand is None:
            return self.surface.seen(self._swayed(stance, at_s))
        view = self.surface.seen(stance)
        shown = view if self.treated is None else self.treated(view)
        return self.hand.seen(self._swayed(STILL, at_s), shown)

    def _swayed(self, stance: Stance, at_s: float) -> Stance:
        wave = [
            math.sin(at_s * rate + phase) * self.manner.sway
            for rate, phase in zip((1.1, 1.7, 2.3, 0.7, 0.9, 3.1), self.phases, strict=True)
        ]
        pose = stance.pose
        turned = HeadPose(pose.yaw + 1.2 * wave[0], pose.pitch + wave[1], pose.roll + wave[2])
        shift = (4 * wave[3] + 0.5 * wave[5], 3 * wave[4])
        return replace(
            stance, pose=turned, shift_px=shift, scale=stance.scale * (1 + 0.01 * wave[4])
        )


def stance_at(at_s: float, given: Sequence[GivenPrompt], manner: Manner) -> Stance:
    """Each prompt is followed from wherever the one before had led to when it was given."""
    stance = STILL
    for index, prompt in enumerate(given):
        until = given[index + 1].at_s + manner.delay_s if index + 1 < len(given) else at_s
        gone = (min(at_s, until) - prompt.at_s - manner.delay_s) / manner.move_s
        share = min(1.0, max(0.0, gone))
        share = float(gone > 0) if manner.cuts else share * share * (3 - 2 * share)
        stance = _between(stance, _goal(prompt.prompt, manner), share)
    return stance


def _goal(prompt: Prompt, manner: Manner) -> Stance:
    match prompt:
        case Prompt.LOOK_LEFT:
            return Stance(HeadPose(manner.yaw, 0, 0))
        case Prompt.LOOK_RIGHT:
            return Stance(HeadPose(-manner.yaw, 0, 0))
        case Prompt.LOOK_UP:
            return Stance(HeadPose(0, manner.pitch, 0))
        case Prompt.COME_CLOSER:
            return Stance(HeadPose(0, 0, 0), scale=manner.closer)
        case Prompt.LOOK_AHEAD:
            return STILL


def _between(start: Stance, goal: Stance, share: float) -> Stance:
    mix = [
        a + (b - a) * share
        for a, b in (
            (start.pose.yaw, goal.pose.yaw),
            (start.pose.pitch, goal.pose.pitch),
            (start.scale, goal.scale),
        )
    ]
    return Stance(HeadPose(mix[0], mix[1], 0), mix[2])


@dataclass(slots=True)
class Replayed:
    """A film of answers to other prompts, whatever is asked."""

    film: Turning
    recorded: Sequence[GivenPrompt]

    def frame(self, at_s: float, given: Sequence[GivenPrompt]) -> bytes:  # noqa: ARG002
        long_s = self.recorded[-1].at_s + 2.5
        now_s = at_s % long_s
        done = [it for it in self.recorded if it.at_s <= now_s]
        return self.film.frame(now_s, done)

    def lag_s(self, at_s: float) -> float:
        return self.film.lag_s(at_s)


@dataclass(slots=True)
class Swapped:
    """One film until the second movement is asked for, then another one."""

    first: Turning
    second: Turning

    def frame(self, at_s: float, given: Sequence[GivenPrompt]) -> bytes:
        return (self.first if len(given) < 3 else self.second).frame(at_s, given)

    def lag_s(self, at_s: float) -> float:
        return self.first.lag_s(at_s)


@dataclass(slots=True)
class Looped:
    """A good film of which, once it has taken two seconds, those frames are sent again before each
    movement."""

    film: Turning
    kept: list[bytes] = field(default_factory=list)
    sent: int = 0

    def frame(self, at_s: float, given: Sequence[GivenPrompt]) -> bytes:
        if at_s < 2.0:
            self.kept.append(self.film.frame(at_s, given))
            return self.kept[-1]
        if self.sent < len(self.kept):
            self.sent += 1
            return self.kept[self.sent - 1]
        return self.film.frame(at_s, given)

    def lag_s(self, at_s: float) -> float:
        return self.film.lag_s(at_s)


@dataclass(slots=True)
class Delayed:
    """A good film whose frames, after the first seconds, arrive three seconds late: time in which
    somebody else could draw them."""

    film: Turning
    late_s: float = 3.0

    def frame(self, at_s: float, given: Sequence[GivenPrompt]) -> bytes:
        return self.film.frame(at_s, given)

    def lag_s(self, at_s: float) -> float:
        return self.film.lag_s(at_s) + self.late_s * min(1.0, max(0.0, at_s - 1.0))
