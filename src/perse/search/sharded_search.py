"""Searches of a gallery that is spread over machines, exactly as of one in this memory.

Each machine tells which of its part could be among those looked for; here all of them are read
again from where they are sealed, and compared in full. So a machine can leave out somebody, if it
is lost or lies, and never name anybody who is not there or less similar.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Final, TypeVar

import numpy as np

from perse.domain.access import TenantId
from perse.domain.identification import FusedIdentification, Identification, SearchTerms
from perse.domain.likeness import Likeness
from perse.domain.references import Modality, UserToken
from perse.domain.subjects import CollectionName
from perse.errors import ClusterUnavailable, IndexLoading
from perse.search.fused_search import FusedSearch, Fusion, Side
from perse.search.leaders import Found
from perse.search.measured import Measured, identification
from perse.search.quantised import Vectors
from perse.search.ranking import Ranked, RankSubjects
from perse.search.replicas import Part, Spread
from perse.search.row_mask import RowMask
from perse.search.shard import HELD, Held, Loading, Question
from perse.search.sources import Feed, Nearest, PartSize, SealedTruth, Searched
from perse.search.tally import Tally

Result = TypeVar("Result")
_Sized = tuple[TenantId, Modality, CollectionName | None]
_NOBODY: Final = PartSize(0, 0, 0)
_MOST_SIZES: Final = 10_000


class _PartLost(Exception):
    """Some of those who answered at first do not any more."""


@dataclass(slots=True)
class _Remembered:
    """Of earlier rounds. ``whole``: what was answered by all parts once. A size holds as long as
    nothing has changed, so that the same machines need not be asked for it before each search."""

    whole: set[tuple[TenantId, Modality]] = field(default_factory=set)
    _sizes: dict[_Sized, tuple[int, PartSize]] = field(default_factory=dict)

    def size(self, sized: _Sized, revision: int) -> PartSize | None:
        at, size = self._sizes.get(sized, (None, None))
        return size if at == revision else None

    def keep(self, sized: _Sized, revision: int, size: PartSize) -> None:
        if len(self._sizes) >= _MOST_SIZES:
            self._sizes.clear()
        self._sizes[sized] = revision, size

    def forget(self, sized: _Sized) -> None:
        self._sizes.pop(sized, None)


class ShardedSearch:
    """SubjectSearch over machines. Safe to share between threads.

    As long as some machine of each part is ready, answers are those of ``LiveSearch`` to the last
    bit. Before that has been so, IndexLoading is raised; afterwards the answers of who is left are
    ``partial``. ClusterUnavailable where nobody answers.
    """

    def __init__(self, feed: Feed, measured: Mapping[Modality, Measured], spread: Spread) -> None:
        self._feed = feed
        self._measured = measured
        self._spread = spread
        self._remembered = _Remembered()
        self._lock = threading.Lock()
        self._held: list[Held] = []
        self.tally, self._followed_s = Tally(), time.monotonic()

    @property
    def templates(self) -> int:
        """In the memory of the machines, each part once, when they were last asked."""
        return sum(it.templates for it in self._held)

    @property
    def bytes_held(self) -> int:
        return sum(it.bytes_held for it in self._held)

    @property
    def loading(self) -> int:
        return max((it.loading for it in self._held), default=0)

    @property
    def behind_s(self) -> float:
        """Seconds since whoever is furthest behind had all up to date, of the machines that
        answered when some of each part last did."""
        return time.monotonic() - self._followed_s

    def keep_warm(self) -> None:
        """Ask the machines what they hold, so that they know that somebody needs them."""
        parts = self._spread.ask_everyone(HELD)
        held = [[it for it in part if isinstance(it, Held)] for part in parts]
        if all(held):
            behind_s = max(it.behind_s for part in held for it in part)
            self._followed_s = time.monotonic() - behind_s
        self._held = [max(it, key=lambda one: one.templates) for it in held if it]

    def check_ready(self, tenant_id: TenantId, modality: Modality) -> None:
        """Raises IndexLoading, SearchMemoryExceeded, ClusterUnavailable."""
        self._round(tenant_id, modality).size(None)

    def identify(
        self, tenant_id: TenantId, modality: Modality, probe: Likeness, terms: SearchTerms
    ) -> Identification:
        """Among all of the tenant's that was stored before the call, and can be reached. Raises as
        ``check_ready``."""

        def search() -> Identification:
            return self._round(tenant_id, modality).identify(probe, terms)

        with self.tally.counted():
            return _until_nobody_is_lost(search)

    def identify_fused(
        self,
        tenant_id: TenantId,
        probes: Mapping[Modality, Likeness],
        fusion: Fusion,
        terms: SearchTerms,
    ) -> FusedIdentification:
        """The same for a face and a voice of one person together. ``probes``: one of each."""

        def search() -> FusedIdentification:
            rounds = {it: self._round(tenant_id, it) for it in (Modality.FACE, Modality.VOICE)}
            face, voice = (Side(probes[it], at.searched, at) for it, at in rounds.items())
            found = FusedSearch(face, voice, self._feed, fusion)(terms)
            return replace(found, partial=any(it.partial for it in rounds.values()))

        with self.tally.counted():
            return _until_nobody_is_lost(search)

    def _round(self, tenant_id: TenantId, modality: Modality) -> _Round:
        searched = Searched(tenant_id, modality, self._measured[modality])
        revision = self._feed.revision(tenant_id)
        return _Round(searched, self._feed, self._spread, revision, self._remembered)


def _until_nobody_is_lost(search: Callable[[], Result]) -> Result:
    """Each time there is one machine less to lose."""
    for _ in range(3):
        try:
            return search()
        except _PartLost:
            continue
    raise ClusterUnavailable("machines of the cluster come and go: try again")


@dataclass(slots=True)
class _Round:
    """One search: what is asked of the parts that answered at first, which must go on to."""

    searched: Searched
    feed: Feed
    spread: Spread
    revision: int
    remembered: _Remembered
    _present: Sequence[Part] | None = None

    @property
    def partial(self) -> bool:
        return self._present is not None and len(self._present) < len(self.spread.parts)

    def identify(self, probe: Likeness, terms: SearchTerms) -> Identification:
        size = self.size(terms.collection)
        threshold = self.searched.measured.claims.threshold(terms.fpir, size.templates)
        found = self._ranked(probe, terms.max_candidates, threshold.similarity, terms, size)
        answer = identification(probe, found, threshold, size.subjects)
        return replace(answer, partial=self.partial)

    def reaching(self, probe: Likeness, least: float, terms: SearchTerms) -> list[UserToken]:
        """As ``LiveIndex.reaching``."""
        size = self.size(terms.collection)
        found = self._ranked(probe, size.subjects, least, terms, size)
        return [UserToken(it.subject) for it in found]

    def size(self, collection: CollectionName | None) -> PartSize:
        """Raises IndexLoading, ClusterUnavailable."""
        sized = (self.searched.tenant_id, self.searched.modality, collection)
        known = None if self.partial else self.remembered.size(sized, self.revision)
        if known:
            self._present = self.spread.parts
            return known
        size = self._asked_size(collection)
        if not self.partial:
            self.remembered.keep(sized, self.revision, size)
        return size

    def _asked_size(self, collection: CollectionName | None) -> PartSize:
        asked = self.spread.parts if self._present is None else self._present
        answers = self.spread.ask(self.question(collection).words(), asked)
        sizes = [it if isinstance(it, PartSize) else None for it in answers]
        if self._present is None:
            self._check_first(answers)
            self._present = [part for part, it in zip(asked, sizes, strict=True) if it]
        elif None in sizes:
            raise _PartLost
        return reduce(PartSize.with_, filter(None, sizes), _NOBODY)

    def nearest(self, question: Question) -> list[Nearest]:
        """Of each part that is present."""
        answers = self.spread.ask(question.words(), self._present)
        near = [it for it in answers if isinstance(it, Nearest)]
        if len(near) < len(answers):
            self.remembered.forget((question.tenant_id, question.modality, question.collection))
            raise _PartLost
        return near

    def _check_first(self, answers: Sequence[object]) -> None:
        key = self.searched.tenant_id, self.searched.modality
        ready = sum(isinstance(it, PartSize) for it in answers)
        if ready == len(answers):
            self.remembered.whole.add(key)
        loading = [it for it in answers if isinstance(it, Loading)]
        if loading and (key not in self.remembered.whole or not ready):
            done, total = sum(it.read for it in loading), sum(it.total for it in loading)
            raise IndexLoading(
                "the search is being read into the memory of machines, "
                f"{done:,} of {total:,} samples so far: try again"
            )
        if not ready:
            raise ClusterUnavailable("none of the machines that hold the gallery answers")

    def _ranked(
        self, probe: Likeness, most: int, least: float, terms: SearchTerms, size: PartSize
    ) -> Sequence[Ranked]:
        if not size.templates or not probe.assessable:
            return []
        index = _SpreadIndex(self, terms.collection)
        truth = SealedTruth(self.searched, self.feed, index.token, terms.collection)
        (ranked,) = RankSubjects(index, truth)([probe], most, least)
        return ranked

    def question(self, collection: CollectionName | None) -> Question:
        return Question(self.searched.tenant_id, self.searched.modality, self.revision, collection)


@dataclass(slots=True)
class _SpreadIndex:
    """All parts as one index: subjects get numbers as they are named."""

    round: _Round
    collection: CollectionName | None
    _numbers: dict[UserToken, int] = field(default_factory=dict)
    _tokens: list[UserToken] = field(default_factory=list)

    def token(self, number: int) -> UserToken:
        return self._tokens[number]

    def search(
        self, vectors: Vectors, floors: Sequence[float], most: int, among: RowMask | None = None
    ) -> list[Found]:
        """As ``TemplateIndex.search``; whom to search is known already."""
        assert among is None  # noqa: S101 - a mask is of rows of one machine
        return [self._search(*one, most) for one in zip(vectors, floors, strict=True)]

    def _search(self, vector: Vectors, floor: float, most: int) -> Found:
        asked = self.round.question(self.collection)
        near = self.round.nearest(replace(asked, vector=vector, floor=floor, most=most))
        numbers = np.array([self._number(it) for one in near for it in one.tokens], np.int64)
        ceilings = np.array([it for one in near for it in one.ceilings], np.float64)
        falling = np.argsort(-ceilings, kind="stable")
        return Found(numbers[falling], ceilings[falling], max(one.rest for one in near))

    def _number(self, token: UserToken) -> int:
        number = self._numbers.setdefault(token, len(self._tokens))
        if number == len(self._tokens):
            self._tokens.append(token)
        return number
