"""When frames of a session came, whether or not the server looked at them.

A busy server looks at few of the frames that it gets. What the client owes is told by those that
came: it may neither fall silent nor send so few that between two of them anything can happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perse.domain.session_frames import SessionPoints

# A network, or a server that is short of processors, may hold back frames that were taken in time
# for so long. It bounds what a client gains that sends them together with times of its own making.
_HELD_BACK_S: Final = 1.0
# Those that come together count as one: of them no more than the newest is looked at.
_TOGETHER: Final = 1 / 3


@dataclass(slots=True)
class Arrivals:
    """Of one session. Times are seconds, ``at_s`` on the session's clock and ``taken_s`` on the
    client's; ``asked_per_s``: what the client had been asked for until then. A picture that equals
    the one before is none. ``counted``: how many came; of those that came together, one."""

    points: SessionPoints
    counted: int = 0
    _started: bool = False
    _content: bytes = b""
    _at_s: float = 0.0
    _taken_s: float = 0.0
    _silent_s: float = 0.0
    _counted_at_s: float = 0.0
    _owed: float = 0.0
    _owed_until_s: float = 0.0

    def note(self, content: bytes, *, at_s: float, taken_s: float, asked_per_s: float) -> None:
        """One has come."""
        if content == self._content:
            return
        if not self._started:
            self._started, self._owed_until_s = True, at_s
            self._count(at_s)
        else:
            silent_s = max(taken_s - self._taken_s, at_s - self._at_s - _HELD_BACK_S)
            self._silent_s = max(self._silent_s, silent_s)
            self._owe(at_s, asked_per_s)
            if at_s - self._counted_at_s >= _TOGETHER / self._least_per_s(asked_per_s):
                self._count(at_s)
        self._content, self._at_s, self._taken_s = content, at_s, taken_s

    def silent_s(self) -> float:
        """The longest time without any since this was asked last."""
        silent_s, self._silent_s = self._silent_s, 0.0
        return silent_s

    def too_few(self, *, at_s: float, asked_per_s: float) -> bool:
        """Whether fewer came, since the first, than a session can be judged by. Never of a client
        that sent none: there is nothing to judge then."""
        if not self._started:
            return False
        self._owe(at_s, asked_per_s)
        return self.counted < int(self._owed)

    def _owe(self, at_s: float, asked_per_s: float) -> None:
        self._owed += (at_s - self._owed_until_s) * self._least_per_s(asked_per_s)
        self._owed_until_s = at_s

    def _least_per_s(self, asked_per_s: float) -> float:
        points = self.points
        return min(points.least_sent_share * asked_per_s, points.enough_sent_per_s)

    def _count(self, at_s: float) -> None:
        self.counted += 1
        self._counted_at_s = at_s
