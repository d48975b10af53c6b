"""A client of a liveness session that does as it is told, without a network between."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from perse.api.admission.door import Load
from perse.api.http.lines import LineClosed
from perse.api.v1.liveness_conversation import AT_THE_END
from perse.domain.session_frames import Prompt
from perse.errors import Overloaded
from perse.pipelines.ports import Result
from tests.fakes.faces import picture
from tests.fakes.liveness import FakeLiveness, held

A_FRAME_S = 0.2


def frame(number: int, prompt: Prompt = Prompt.LOOK_AHEAD, *, identity: int = 7) -> bytes:
    """As a client sends it; every number is another picture, 200 ms later."""
    taken = struct.pack(">d", 1000 * A_FRAME_S * number)
    return taken + held(picture(identity) + b"%d" % number, prompt)


@dataclass
class ObedientClient:
    """Sends a frame whenever one was looked at. ``deaf_to``: a prompt that it does not follow;
    ``instead``: what it sends after so many frames; ``leaves_after``: when it is gone; ``crowded``:
    the numbers of frames for which there is no room; ``refusals``: how often there is none for the
    end; ``when_sent``: what happens when it sends that frame."""

    liveness: FakeLiveness
    deaf_to: Prompt | None = None
    instead: Mapping[int, bytes | Mapping[str, object]] = field(default_factory=dict)
    leaves_after: int | None = None
    crowded: frozenset[int] = frozenset()
    refusals: int = 0
    identity: int = 7
    when_sent: dict[int, Callable[[], object]] = field(default_factory=dict)
    heard: list[Mapping[str, object]] = field(default_factory=list)
    sent: int = 0
    holds: Prompt = Prompt.LOOK_AHEAD

    def __post_init__(self) -> None:
        self._wanted = asyncio.Event()

    async def receive(self) -> bytes | Mapping[str, object]:
        await self._wanted.wait()
        self._wanted.clear()
        self.sent += 1
        self.when_sent.get(self.sent, lambda: None)()
        if self.leaves_after is not None and self.sent > self.leaves_after:
            raise LineClosed(1006)
        return self.instead.get(self.sent, frame(self.sent, self.holds, identity=self.identity))

    async def send_json(self, message: Mapping[str, object], /) -> None:
        self.heard.append(message)
        if message["type"] == "prompt":
            asked = Prompt(str(message["prompt"]))
            if asked is not self.deaf_to:
                self.holds = asked
            self._wanted.set()

    async def compute(self, work: Callable[[], Result], /, *, load: Load) -> Result:
        self.liveness.clock.pass_time(seconds=A_FRAME_S)
        self._wanted.set()
        if load != AT_THE_END and self.sent in self.crowded:
            raise Overloaded("no room")
        if load == AT_THE_END and self.refusals:
            self.refusals -= 1
            raise Overloaded("no room")
        return work()

    async def look_up(self, work: Callable[[], Result], /) -> Result:
        return work()

    async def pause(self, time_s: float, /) -> None:
        self.liveness.clock.pass_time(seconds=time_s)

    def told(self, kind: str) -> list[Mapping[str, object]]:
        """The messages of that type."""
        return [message for message in self.heard if message["type"] == kind]
