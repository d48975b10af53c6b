"""How many searches there were, and how long they took."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from perse.stages import Stage, during


class Tally:
    """``searches``, and the ``seconds`` that they took together, without the networks. Safe to
    share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.searches, self.seconds = 0, 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """One search, which the block is."""
        began_s = time.perf_counter()
        try:
            with during(Stage.COMPARE):
                yield
        finally:
            with self._lock:
                self.searches += 1
                self.seconds += time.perf_counter() - began_s
