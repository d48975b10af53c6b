"""The indexes of all tenants that search, within a bound of memory."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, Protocol

import structlog

from perse.domain.access import TenantId
from perse.domain.identification import FusedIdentification, Identification, SearchTerms
from perse.domain.likeness import Likeness
from perse.domain.references import Modality
from perse.errors import IndexLoading, PerseError, SearchMemoryExceeded
from perse.search.fused_search import FusedSearch, Fusion, Side
from perse.search.held_index import BYTES_PER_TEMPLATE, DroppedIndex, HeldIndex
from perse.search.live_index import LiveIndex
from perse.search.measured import Measured
from perse.search.sources import Feed, Searched
from perse.search.tally import Tally

# Whoever has searched since the last turn keeps what has grown, up to so many times the bound.
_MOST_GROWN: Final = 1.25
# So many are read while the first search waits; for more, it is told to try again.
READ_AT_ONCE: Final = 5_000
# Who has searched within this time keeps the memory.
_IDLE_S: Final = 600.0
# The same trouble is said once in so long: it may come back every second, and of every tenant.
_SAID_AGAIN_S: Final = 60.0

_Key = tuple[TenantId, Modality]


class FeedOfAll(Feed, Protocol):
    """SubjectFeed."""

    def revisions(self) -> Mapping[TenantId, int]: ...


class LiveSearch:
    """Safe to share between threads. A tenant's index is filled at its first search; of several
    processes each has its own. Close it to end filling and to zero the memory.

    ``most_bytes``: of all indexes together, about. ``clock``: seconds that only rise. ``tally``: of
    the searches.
    """

    def __init__(
        self,
        feed: FeedOfAll,
        measured: Mapping[Modality, Measured],
        most_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feed = feed
        self._measured = measured
        self._most_bytes = most_bytes
        self._clock = clock
        self._held: OrderedDict[_Key, HeldIndex] = OrderedDict()  # who searched last comes last
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._said_s: dict[str, float] = {}  # by code
        self._dropped: dict[_Key, DroppedIndex] = {}
        self.tally, self._followed_s = Tally(), clock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="perse-search")

    @property
    def templates(self) -> int:
        """In memory, of all tenants."""
        return sum(held.index.templates for held in self._all())

    @property
    def bytes_held(self) -> int:
        return sum(held.index.bytes_held for held in self._all())

    @property
    def loading(self) -> int:
        """How many indexes are being filled."""
        return sum(not held.index.filled for held in self._all())

    @property
    def behind_s(self) -> float:
        """Seconds since ``keep_warm`` last had all up to date; a search looks for itself."""
        return self._clock() - self._followed_s

    def check_ready(self, tenant_id: TenantId, modality: Modality) -> None:
        """Raises IndexLoading with how far it is, and SearchMemoryExceeded; begins to fill."""
        self.index_of(tenant_id, modality)

    def identify(
        self, tenant_id: TenantId, modality: Modality, probe: Likeness, terms: SearchTerms
    ) -> Identification:
        """Among all of the tenant's that was stored before the call. Raises as ``check_ready``."""
        index = self.index_of(tenant_id, modality)
        with self.tally.counted():
            return index.identify(probe, terms)

    def identify_fused(
        self,
        tenant_id: TenantId,
        probes: Mapping[Modality, Likeness],
        fusion: Fusion,
        terms: SearchTerms,
    ) -> FusedIdentification:
        """The same for a face and a voice of one person together. ``probes``: one of each."""
        face, voice = (
            Side(
                probes[it],
                Searched(tenant_id, it, self._measured[it]),
                self.index_of(tenant_id, it),
            )
            for it in (Modality.FACE, Modality.VOICE)
        )
        with self.tally.counted():
            return FusedSearch(face, voice, self._feed, fusion)(terms)

    def read_ahead(self) -> None:
        """Begin to fill the indexes of all tenants, the largest first, as far as there is memory:
        for operators who want nobody's first search to wait."""
        self._in_background(self._read_ahead)

    def _read_ahead(self) -> None:
        totals: dict[_Key, int] = {}
        for tenant_id in self._feed.revisions():
            for modality in self._measured:
                with self._going_on():
                    totals[tenant_id, modality] = self._feed.total(tenant_id, modality)
        for key in sorted(filter(totals.get, totals), key=lambda it: -totals[it]):
            with self._going_on():
                self._begin_to_fill(self._planned(key, totals[key]))

    def keep_warm(self) -> None:
        """Take over what others stored, so that the next search need not, and what is deleted is
        zeroed in this memory, too; give back memory where it has become too much. What cannot be
        read of one tenant is in the log, and keeps no other one's index from following."""
        with self._lock:
            dropped = self._drop(self._most_bytes, lambda held: not held.used)
            dropped += self._drop(int(_MOST_GROWN * self._most_bytes), lambda _: True)
            for held in self._held.values():
                held.used = False
        for held in dropped:
            held.index.wipe()
        with self._going_on():  # the next turn tries again
            self._follow(self._feed.revisions())

    def _follow(self, revisions: Mapping[TenantId, int]) -> None:
        with self._lock:
            known = list(self._held.items())
        for key, held in known:
            with self._going_on():
                if held.index.filled and held.index.revision != revisions.get(key[0], 0):
                    held.index.refresh()
            with self._going_on():
                if held.due(self._clock()):
                    self._begin_to_fill(self._planned(key, self._feed.total(*key)))
        if all(held.is_up_to(revisions.get(key[0], 0)) for key, held in known):
            self._followed_s = self._clock()

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """With the next tenant, whatever happens to this one's index."""
        try:
            yield
        except IndexLoading:
            pass  # it is filled again
        except PerseError as problem:
            self._say(problem)

    def _in_background(self, work: Callable[[], None]) -> Future[None]:
        """Nobody may ever ask what became of it, so trouble is said."""

        def done(future: Future[None]) -> None:
            if not future.cancelled() and (problem := future.exception()):
                self._say(problem)

        future = self._pool.submit(work)
        future.add_done_callback(done)
        return future

    def _say(self, problem: BaseException) -> None:
        """Without the message, which may name whose index it is."""
        code = problem.code if isinstance(problem, PerseError) else type(problem).__name__
        now_s = self._clock()
        if now_s - self._said_s.get(code, -math.inf) < _SAID_AGAIN_S:
            return
        self._said_s[code] = now_s  # of two at the same time both may speak: no lock is held here
        structlog.get_logger("perse").warning("search_index_not_read", code=code)

    def close(self) -> None:
        with self._lock:  # nobody is between asking whether it is set and using the pool
            self._stopping.set()
        self._pool.shutdown(cancel_futures=True)
        for held in self._all():
            held.index.wipe()

    def progress(self, tenant_id: TenantId, modality: Modality) -> tuple[int, int]:
        """How many samples have been read, and of how many."""
        with self._lock:
            held = self._held.get((tenant_id, modality))
        return held.index.progress if held else (0, 1)

    def index_of(self, tenant_id: TenantId, modality: Modality) -> LiveIndex:
        """One that is filled. Raises as ``check_ready``."""
        key = tenant_id, modality
        with self._lock:
            held = self._held.get(key)
            if held:
                held.used_s, held.used = self._clock(), True
                self._held.move_to_end(key)
        if held and held.index.filled:
            return held.index
        # A small one does not wait for larger ones in the background.
        if held is None or held.samples <= READ_AT_ONCE or held.due(self._clock()):
            total = self._feed.total(tenant_id, modality)
            held = self._planned(key, total)
            if total <= READ_AT_ONCE:
                held.index.fill()
            else:
                self._begin_to_fill(held)
        elif held.problem:
            raise held.problem
        held.index.check_filled()
        return held.index

    def _planned(self, key: _Key, total: int) -> HeldIndex:
        """Room made for as many samples as there are now: those that there were when it was opened
        say nothing. Raises SearchMemoryExceeded."""
        tenant_id, modality = key
        searched = Searched(tenant_id, modality, self._measured[modality])
        index = LiveIndex(searched, self._feed, self._stopping, total)
        with self._lock:
            held = self._held.setdefault(key, HeldIndex(index, self._clock()))
            held.samples, held.planned_bytes = total, (needed := self._needed(key, total))
            dropped = self._drop(self._most_bytes, self._idle)
            waits = needed > 0 and not held.index.filled
            if refused := waits and self._bytes() > self._most_bytes:
                self._held.pop(key)
        for one in dropped:
            one.index.wipe()
        if refused:
            raise SearchMemoryExceeded(
                f"this search needs {needed:,} bytes of memory, more than "
                "PERSE_SEARCH_MEMORY_BYTES has room for at the moment: the operator can raise it",
                retry_after_s=int(_IDLE_S),
            )
        return held

    def _begin_to_fill(self, held: HeldIndex) -> None:
        with self._lock:
            if held.due(self._clock()) and not self._stopping.is_set():
                held.begun_s = self._clock()
                held.filling = self._in_background(held.index.fill)

    def _drop(self, most_bytes: int, may_go: Callable[[HeldIndex], bool]) -> list[HeldIndex]:
        """Until no more is held, the longest unused first; what one of them took is remembered, so
        that it is not filled again where it has no room. Call with the lock, and wipe what is
        returned without."""
        dropped = []
        for key, held in list(self._held.items()):
            if self._bytes() <= most_bytes:
                break
            if held.index.filled and may_go(held):
                dropped.append(self._held.pop(key))
                took = held.index.bytes_held, held.index.templates
                self._dropped[key] = DroppedIndex(*took, self._clock())
        return dropped

    def _needed(self, key: _Key, total: int) -> int:
        """Bytes, of so many samples."""
        dropped, planned = self._dropped.get(key), total * BYTES_PER_TEMPLATE
        if dropped is None or self._clock() - dropped.at_s >= _IDLE_S:
            return planned
        return max(planned, dropped.bytes_of(total))

    def _idle(self, held: HeldIndex) -> bool:
        return self._clock() - held.used_s >= _IDLE_S

    def _bytes(self) -> int:
        return sum(held.bytes_held for held in self._held.values())

    def _all(self) -> list[HeldIndex]:
        with self._lock:
            return list(self._held.values())
