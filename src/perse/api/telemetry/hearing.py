"""What is heard of the stages of a request: for metrics, its answer's header and its trace."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from perse.api.telemetry.tracing import Trace
from perse.stages import Passage, Stage

# Of a conversation of minutes: what is beyond is counted, and not kept.
MOST_PASSAGES: Final = 250
# What the queue and the database take says nothing of whether anything was computed.
_BESIDE: Final = frozenset({Stage.QUEUE, Stage.STORE})


def _nobody(_: Stage, __: float) -> None:
    """Counts nothing."""


class Hearing:
    """Hears the stages of one request, from any thread."""

    def __init__(
        self, count: Callable[[Stage, float], None] = _nobody, trace: Trace | None = None
    ) -> None:
        """``count`` is told every stage, and what it took without its parts; ``trace``: what the
        stages belong to, where somebody collects them."""
        self._count = count
        self._lock = threading.Lock()
        self._spent_s: dict[Stage, float] = {}
        self._follows = trace is not None and trace.wanted
        self.trace = trace
        self.passages: list[Passage] = []

    @property
    def wants_details(self) -> bool:
        return self._follows and len(self.passages) < MOST_PASSAGES

    def passed(self, passage: Passage) -> None:
        if self._follows and len(self.passages) < MOST_PASSAGES:
            self.passages.append(passage)
        if passage.detail is not None:
            return
        stage, own_s = passage.stage, passage.own_s
        self._count(stage, own_s)
        with self._lock:
            self._spent_s[stage] = self._spent_s.get(stage, 0.0) + own_s

    def server_timing(self, total_s: float) -> str | None:
        """The header of that name (W3C Server Timing), in ms; None where nothing was computed."""
        with self._lock:
            spent_s = dict(self._spent_s)
        if not spent_s.keys() - _BESIDE:
            return None
        parts = [f"{stage};dur={s * 1000:.2f}" for stage, s in spent_s.items()]
        return ", ".join([*parts, f"total;dur={total_s * 1000:.2f}"])
