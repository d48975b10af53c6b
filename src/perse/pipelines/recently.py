"""An answer that takes long to have, and is as good for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Recently(Generic[Answer]):
    """What ``ask`` said within the last ``kept_s`` seconds, or says now. Those who come while it is
    asked wait, and are told the same: it counts from when it was there. Safe to share between
    threads. ``clock_s``: seconds that do not fall."""

    def __init__(
        self, ask: Callable[[], Answer], *, kept_s: float, clock_s: Callable[[], float]
    ) -> None:
        self._ask = ask
        self._kept_s = kept_s
        self._clock_s = clock_s
        self._last: tuple[Answer, float] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Answer:
        with self._lock:
            if self._last is None or self._clock_s() - self._last[1] >= self._kept_s:
                answer = self._ask()
                self._last = answer, self._clock_s()
            return self._last[0]
