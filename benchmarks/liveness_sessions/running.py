"""Sessions run as a server runs them: prompts when they are due, frames through the networks."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from benchmarks.liveness_sessions.films import Film, Generator
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import FaceImage
from perse.domain.session_frames import (
    GivenPrompt,
    ObservedFrame,
    Prompt,
    SessionPoints,
    faces_before_camera,
)
from perse.domain.session_prompts import answered
from perse.imaging.parallax import FaceTracker
from perse.pipelines.comparison import CaptureFace
from perse.pipelines.liveness_frames import EMBEDDED_EVERY, EMBEDDED_EVERY_S

Result = TypeVar("Result")

FRAMES_PER_S = 6.0
AHEAD_S = 1.5
# A film that has not answered by then answers never; the rules wait longer.
PATIENCE_S = 5.0
_SIDES = (Prompt.LOOK_LEFT, Prompt.LOOK_RIGHT)


@dataclass(frozen=True, slots=True)
class Session:
    """What was asked and seen."""

    prompts: Sequence[GivenPrompt]
    frames: Sequence[ObservedFrame]


@dataclass(slots=True)
class Watch:
    """Looks at the frames of one session. ``spent_s``: processor time by part, for all of them."""

    decode: Callable[[bytes], FaceImage]
    capture: CaptureFace
    scale: ResemblanceScale
    spent_s: dict[str, float]
    follow: FaceTracker = field(default_factory=FaceTracker)
    embedded_at_s: float = -1e9
    faces_since: int = EMBEDDED_EVERY

    def observe(self, content: bytes, *, at_s: float, client_at_s: float) -> ObservedFrame:
        digest = hashlib.sha256(content).digest()
        image = self._timed("decode", lambda: self.decode(content))
        found = self._timed("detect", lambda: self.capture.find(image))
        tracks = self._timed("follow", lambda: self.follow(image, found[0] if found else None))
        self.spent_s["frames"] = self.spent_s.get("frames", 0) + 1
        if not found:
            return ObservedFrame(at_s=at_s, digest=digest, client_at_s=client_at_s)
        face = self._timed("assess", lambda: self.capture.assess(image, found[0]))
        template = None
        self.faces_since += 1
        due = self.faces_since >= EMBEDDED_EVERY
        if due and at_s - self.embedded_at_s >= EMBEDDED_EVERY_S:
            template = self._timed(
                "embed", lambda: self.capture.embedder.embed(image, found[0].landmarks)
            )
            self.embedded_at_s, self.faces_since = at_s, 0
        return ObservedFrame(
            at_s=at_s,
            digest=digest,
            client_at_s=client_at_s,
            faces=faces_before_camera([it.box for it in found]),
            box=face.face.box,
            landmarks=found[0].landmarks,
            pose=face.pose,
            pad=face.pad,
            template=template,
            recognisability=self.scale.recognisability(template) if template else None,
            tracks=tracks,
        )

    def _timed(self, part: str, work: Callable[[], Result]) -> Result:
        start = time.process_time()
        result = work()
        self.spent_s[part] = self.spent_s.get(part, 0.0) + time.process_time() - start
        return result


def drawn_prompts(rng: Generator, movements: int) -> list[Prompt]:
    """A look ahead and different movements, one of them at least to a side."""
    others = [it for it in Prompt if it is not Prompt.LOOK_AHEAD]
    while True:
        drawn = [others[index] for index in rng.permutation(len(others))[:movements]]
        if set(drawn) & set(_SIDES):
            return [Prompt.LOOK_AHEAD, *drawn]


def run(
    film: Film,
    prompts: Sequence[Prompt],
    watch: Watch,
    points: SessionPoints,
    frames_per_s: float = FRAMES_PER_S,
) -> Session:
    """Until the last prompt is answered, or one is not in time."""
    given = [GivenPrompt(prompts[0], 0.0)]
    frames: list[ObservedFrame] = []
    for index in range(1000):
        taken_s = index / frames_per_s
        at_s = taken_s + film.lag_s(taken_s)
        content = film.frame(taken_s, given)
        frames.append(watch.observe(content, at_s=at_s, client_at_s=taken_s))
        held = len(given) > 1 or at_s >= AHEAD_S
        if held and answered(given[-1], frames, points):
            if len(given) == len(prompts):
                break
            given.append(GivenPrompt(prompts[len(given)], at_s + 0.01))
        elif taken_s - given[-1].at_s > PATIENCE_S:
            break
    return Session(given, frames)


def seeded(*of: object) -> Generator:
    """A generator that depends on nothing but these."""
    digest = hashlib.sha256(repr(of).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
