"""A session while it runs: which prompt is given, and when the next one is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from perse.domain.session_frames import (
    GivenPrompt,
    ObservedFrame,
    Prompt,
    SessionKind,
    SessionPoints,
    without_repeats,
)
from perse.domain.session_prompts import answered, baseline

# How long a look ahead is held at least: what is judged of a face needs some frames of it.
_HELD_S: Final = {SessionKind.PASSIVE: 3.0, SessionKind.HEAD_TURNS: 1.5}

# Whether it is one face is told by two templates at least.
_TEMPLATES: Final = 2


@dataclass(slots=True)
class Dialogue:
    """Prompts are given one after the other, each when the one before is answered; one that is not
    answered in time is the last. Times are seconds on the session's clock."""

    kind: SessionKind
    prompts: Sequence[Prompt]
    points: SessionPoints
    given: list[GivenPrompt] = field(default_factory=list)
    frames: list[ObservedFrame] = field(default_factory=list)
    is_over: bool = False

    @property
    def prompt(self) -> Prompt:
        """The one that is given now."""
        return self.given[-1].prompt

    @property
    def may_be_declined(self) -> bool:
        """Until the first movement is done: whoever declines knows no more of the order than that,
        and may as well be somebody who cannot move so."""
        return len(self.given) <= 2

    @property
    def slowness_is_no_failure(self) -> bool:
        """When the first movement is done, or nothing was in time before: whoever sends too few
        frames knows no more of the order then than whoever declines."""
        return self.may_be_declined and (self.is_over or len(self.given) > 1)

    def give(self, at_s: float) -> GivenPrompt:
        """Give the next one."""
        self.given.append(GivenPrompt(self.prompts[len(self.given)], at_s))
        return self.given[-1]

    def see(self, frame: ObservedFrame) -> None:
        self.frames.append(frame)

    @property
    def began_s(self) -> float | None:
        """When somebody first looked ahead; what was seen before is not judged."""
        start = baseline(without_repeats(self.frames), self.points)
        return start.from_s if start else None

    def is_due(self, at_s: float) -> bool:
        """Whether the prompt is done, so that the next one has to be given; after the last one and
        after one that was not answered in time it is over instead."""
        given = self.given[-1]
        if not self._is_done(given, at_s):
            self.is_over = at_s - given.at_s >= self.points.answer_s
            return False
        self.is_over = len(self.given) == len(self.prompts)
        return not self.is_over

    def left_s(self, at_s: float) -> float:
        """How long the prompt still waits to be answered."""
        return max(0.0, self.given[-1].at_s + self.points.answer_s - at_s)

    def _is_done(self, given: GivenPrompt, at_s: float) -> bool:
        held = _HELD_S[self.kind] if given.prompt is Prompt.LOOK_AHEAD else 0.0
        if at_s - given.at_s < held or not self._seen_enough():
            return False
        return answered(given, self.frames, self.points) is not None

    def _seen_enough(self) -> bool:
        """A session of one prompt goes on until it can be judged, however slowly frames come."""
        if self.kind is not SessionKind.PASSIVE:
            return True
        templates = [frame for frame in self.frames if frame.template is not None]
        return len(self.frames) >= self.points.least_frames and len(templates) >= _TEMPLATES
