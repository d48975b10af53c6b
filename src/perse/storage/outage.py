"""While a database does not answer, one asks it again and everybody else is told so at once.

Without that, all who stand behind the few threads that talk to a database would wait for it one
after the other, each as long as the first one did.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from perse.errors import StorageUnavailable

RETRY_AFTER_S: Final = 2
_ASK_AGAIN_AFTER_S: Final = 0.5


class Outage:
    """Safe to share between threads. ``vain_s``: for how long somebody waited in vain, by the
    error that ended it and how long the question has taken; None where the database is there."""

    def __init__(
        self,
        vain_s: Callable[[Exception, float], float | None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vain_s = vain_s
        self._clock = clock
        self._lock = threading.Lock()
        self._away = False
        self._asked = False  # somebody is finding out
        self._ask_at_s = 0.0
        self._reached_s = clock()

    @contextmanager
    def asking(self) -> Iterator[Callable[[], None]]:
        """Around a question to the database; to be called when the database was reached. Raises
        StorageUnavailable while it is away and somebody else finds out whether it is back."""
        began_s, finds_out = self._clock(), self._enter()
        try:
            yield self._reached
        except Exception as problem:
            self._failed(problem, began_s)
            raise
        finally:
            if finds_out:
                self._asked = False

    def _enter(self) -> bool:
        with self._lock:
            if not self._away:
                return False
            if self._asked or self._clock() < self._ask_at_s:
                raise StorageUnavailable(
                    "the database does not answer: check that it runs; nothing was lost; try again",
                    retry_after_s=RETRY_AFTER_S,
                )
            self._asked = True
            return True

    def _reached(self) -> None:
        with self._lock:
            self._away = self._asked = False
            self._reached_s = self._clock()

    def _failed(self, problem: Exception, began_s: float) -> None:
        """Whether it is away: unless somebody reached it after this one had begun to wait."""
        now_s = self._clock()
        vain_s = self._vain_s(problem, now_s - began_s)
        with self._lock:
            if vain_s is not None and self._reached_s <= now_s - vain_s:
                self._away = True
                self._ask_at_s = now_s + _ASK_AGAIN_AFTER_S
