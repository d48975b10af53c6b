"""Which prompts a session gives, in an order that nobody can know before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from perse.domain.session_frames import Prompt, SessionKind

# One of several, each as likely as the others, by a generator that nobody can foresee.
Choose = Callable[[Sequence[Prompt]], Prompt]

_MOVEMENTS: Final = (
    Prompt.LOOK_LEFT,
    Prompt.LOOK_RIGHT,
    Prompt.LOOK_UP,
    Prompt.COME_CLOSER,
)
_TURNS: Final = frozenset({Prompt.LOOK_LEFT, Prompt.LOOK_RIGHT})
_HOW_MANY: Final = 4


def judgeable_kinds(*, attacks_detected: bool) -> frozenset[SessionKind]:
    """Those that show something: nothing but an attack detector tells a picture that is held
    still from a face."""
    return frozenset(SessionKind) if attacks_detected else frozenset({SessionKind.HEAD_TURNS})


def draw_prompts(kind: SessionKind, choose: Choose) -> tuple[Prompt, ...]:
    """A look ahead, and where heads are turned four movements: none twice in a row, and at least
    one turn to a side, which tells most of depth. That is one order of 106."""
    if kind is SessionKind.PASSIVE:
        return (Prompt.LOOK_AHEAD,)
    while True:
        drawn = [Prompt.LOOK_AHEAD]
        for _ in range(_HOW_MANY):
            drawn.append(choose([it for it in _MOVEMENTS if it is not drawn[-1]]))
        if _TURNS & set(drawn):
            return tuple(drawn)
