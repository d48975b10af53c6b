"""Liveness sessions on a real server, whose frames are seen as a test says, whatever they show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic

import numpy as np

from perse.api.v1.liveness_conversation import SOCKETS
from perse.domain.samples import FaceImage
from perse.domain.session_frames import Prompt
from tests.fakes.liveness import POINTS, POSES, FakeLiveness
from tests.fakes.services import FakeServices
from tests.served import Served, serving

ORDER = (Prompt.LOOK_LEFT, Prompt.LOOK_UP, Prompt.LOOK_RIGHT, Prompt.LOOK_UP)
ASKED = {
    Prompt.LOOK_AHEAD: "Look straight into the camera and hold still.",
    Prompt.LOOK_LEFT: "Turn your head to your left.",
    Prompt.LOOK_RIGHT: "Turn your head to your right.",
    Prompt.LOOK_UP: "Lift your chin and look up.",
}
_IDENTITY = 7


@dataclass
class Actor:
    """Who is before the camera. ``frames``: what came from there, as it was sent."""

    holds: Prompt = Prompt.LOOK_AHEAD
    away: bool = False
    frames: list[bytes] = field(default_factory=list)
    drawn: int = 0

    def seen_on(self, content: bytes) -> FaceImage:
        self.frames.append(content)
        pixels = np.full((100, 120, 3), 0 if self.away else _IDENTITY, np.uint8)
        pixels[-1, -1] = list(POSES).index(self.holds)
        return FaceImage(pixels)

    def choose(self, prompts: Sequence[Prompt]) -> Prompt:
        self.drawn += 1
        wanted = ORDER[(self.drawn - 1) % len(ORDER)]
        assert wanted in prompts
        return wanted


class ActedLiveness(FakeLiveness):
    """It has time for a test that takes a close look, and time passes as it does."""

    def __init__(self, services: FakeServices) -> None:
        given = services.liveness
        super().__init__(
            given.consent,
            given.subjects,
            given.faces,
            given.keys,
            given.signing_keys,
            given.clock,
        )
        self.actor = Actor()
        self.points = replace(POINTS, answer_s=60.0, longest_gap_s=60.0)

    def _decode(self, content: bytes) -> FaceImage:
        return self.actor.seen_on(content)

    def choose(self, prompts: Sequence[Prompt]) -> Prompt:
        return self.actor.choose(prompts)

    def clock_s(self) -> float:
        return monotonic()


@dataclass(frozen=True)
class Theatre(Served):
    """A server of sessions and, one after the other, who takes part in them."""

    liveness: ActedLiveness

    def next_actor(self) -> Actor:
        self.liveness.actor = Actor()
        return self.liveness.actor


@contextmanager
def theatre() -> Iterator[Theatre]:
    services = FakeServices()
    services.liveness = liveness = ActedLiveness(services)
    with serving(services, sockets=SOCKETS) as served:
        yield Theatre(served.url, served.services, liveness)
