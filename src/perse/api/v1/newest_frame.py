"""Of the frames that a client sends, the one that is looked at next."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

from perse.domain.session_arrivals import Arrivals
from perse.pipelines.liveness_frames import SentFrame


@dataclass(frozen=True, slots=True)
class TakenFrame:
    """``at_s``: when it came. ``silent_s``: the longest time in which none came, since the one that
    was taken before."""

    sent: SentFrame
    at_s: float
    silent_s: float


@dataclass(slots=True)
class NewestFrame:
    """The frame that came last and was not looked at, or why no more will come. It is taken when a
    worker is there to look at it: one that waited for that gives way to those that come meanwhile.
    ``arrivals``: when they came.
    """

    arrivals: Arrivals
    end: Exception | None = None
    _sent: tuple[SentFrame, float] | None = None
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _taking: threading.Lock = field(default_factory=threading.Lock)

    def put(self, sent: SentFrame, at_s: float, *, asked_per_s: float) -> None:
        taken_s = sent.client_at_s
        with self._taking:
            self.arrivals.note(sent.content, at_s=at_s, taken_s=taken_s, asked_per_s=asked_per_s)
            self._sent = sent, at_s
        self._came.set()

    @property
    def came(self) -> int:
        """How many there were, and those that came together count as one."""
        return self.arrivals.counted

    def finish(self, end: Exception) -> None:
        self.end = end
        self._came.set()

    async def comes(self, within_s: float) -> bool:
        """True as soon as there is one, False when none came in time. Raises what ``finish`` was
        told."""
        try:
            async with asyncio.timeout(within_s):
                while self._sent is None and self.end is None:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            return False
        if self.end is not None:
            raise self.end
        return True

    def take(self) -> TakenFrame:
        """The frame, after ``comes``, on whatever thread; it is here no more."""
        with self._taking:
            taken, self._sent = self._sent, None
            silent_s = self.arrivals.silent_s()
        assert taken is not None  # noqa: S101 - nobody else takes it
        return TakenFrame(*taken, silent_s)

    def sends_too_few(self, at_s: float, *, asked_per_s: float) -> bool:
        """As ``Arrivals.too_few``."""
        with self._taking:
            return self.arrivals.too_few(at_s=at_s, asked_per_s=asked_per_s)

    def drop(self) -> None:
        """Let it be as one that gave way."""
        with self._taking:
            self._sent = None
