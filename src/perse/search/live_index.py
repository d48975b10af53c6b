"""An index in memory that follows what is stored: filled once, then brought up to date by what
changed, whoever changed it. What it finds is read again from storage and compared in full."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import Final

from perse.domain.identification import Identification, SearchTerms
from perse.domain.likeness import Likeness
from perse.domain.references import UserToken
from perse.domain.subjects import CollectionName, EnrolledSubject
from perse.errors import IndexLoading
from perse.search.enrolled_rows import EnrolledRows, Part
from perse.search.index import TemplateIndex
from perse.search.measured import identification
from perse.search.quantised import Vectors
from perse.search.ranking import Ranked, RankSubjects
from perse.search.roll import Roll
from perse.search.shared_lock import SharedLock
from perse.search.sources import Feed, Nearest, PartSize, SealedTruth, Searched

READ_AT_A_TIME: Final = 1000
_LONGEST_WAIT_S: Final = 30


class LiveIndex:
    """Safe to share between threads: searches run side by side, what changed is taken over alone.

    Nobody is identified before ``fill`` has returned. ``stopping``: when it is set, ``fill`` ends
    early. ``expected``: about how many samples there are.
    """

    def __init__(
        self, searched: Searched, feed: Feed, stopping: threading.Event, expected: int = 0
    ) -> None:
        self._searched = searched
        self._feed = feed
        self._stopping = stopping
        self._lock = SharedLock()
        self._taking_over = threading.Lock()
        self._rows: EnrolledRows | None = None  # until the length of a template is known
        self._revision: int | None = None
        self._read, self._expected = 0, expected
        self._began_s = time.monotonic()

    @property
    def filled(self) -> bool:
        return self._revision is not None

    @property
    def revision(self) -> int | None:
        """Up to which change it is; None until it is filled."""
        return self._revision

    @property
    def templates(self) -> int:
        """How many can be found."""
        rows = self._rows  # another thread may forget them
        return rows.everybody.templates if rows else 0

    @property
    def bytes_held(self) -> int:
        rows = self._rows
        return rows.bytes_held if rows else 0

    def fill(self) -> None:
        """Read everybody, unless that has been done. Others wait for it."""
        with self._taking_over:
            while self._revision is None and not self._stopping.is_set():
                self._forget()
                self._began_s = time.monotonic()
                searched = self._searched
                self._expected = self._feed.total(searched.tenant_id, searched.modality)
                self._revision = self._walk()

    def refresh(self, revision: int | None = None) -> None:
        """Take over all that was stored before the call, or that ``revision`` counts. Raises
        IndexLoading when that is more than is known to have changed: ``fill`` again."""
        if revision is None:
            revision = self._feed.revision(self._searched.tenant_id)
        if self._revision == revision:
            return
        with self._taking_over:
            if self._revision is not None:
                self._revision = self._caught_up(self._revision)
        self.check_filled()

    @property
    def progress(self) -> tuple[int, int]:
        """Of its samples so many have been read, of so many."""
        return self._read, max(self._expected, self._read, 1)

    def check_filled(self) -> None:
        """Raises IndexLoading with how far it is."""
        if self.filled:
            return
        done, total = self.progress
        left_s = (time.monotonic() - self._began_s) * (total - done) / max(done, 1)
        raise IndexLoading(
            f"the search is being read into memory, {done:,} of {total:,} samples so far: "
            "try again",
            retry_after_s=max(1, min(_LONGEST_WAIT_S, int(left_s))),
        )

    def identify(self, probe: Likeness, terms: SearchTerms) -> Identification:
        """Among all that was stored before the call, but for what has been deleted meanwhile.
        Raises IndexLoading."""
        with self._current():
            part = self._part(terms.collection)
            threshold = self._searched.measured.claims.threshold(terms.fpir, part.templates)
            found = self._ranked(probe, terms.max_candidates, threshold.similarity, terms)
            return identification(probe, found, threshold, part.subjects)

    def nearest(
        self,
        vector: Vectors,
        floor: float,
        most: int,
        collection: CollectionName | None,
        revision: int,
    ) -> Nearest:
        """As ``TemplateIndex.search`` for one probe, with tokens, of all that ``revision``
        counts."""
        with self._current(revision):
            rows, part = self._rows, self._part(collection)
            if rows is None or not part.templates:
                return Nearest([], [], -inf)
            (found,) = rows.index.search(vector[None], [floor], most, part.rows)
            tokens = [rows.roll.token(number) for number in found.numbers.tolist()]
            return Nearest(tokens, found.ceilings.tolist(), found.rest)

    def size(self, collection: CollectionName | None, revision: int | None = None) -> PartSize:
        """Of a collection, or of everybody, as ``identify`` would search them."""
        with self._current(revision):
            part = self._part(collection)
            return PartSize(part.subjects, part.templates, part.most)

    def reaching(self, probe: Likeness, least: float, terms: SearchTerms) -> list[UserToken]:
        """Everybody whose best sample has a similarity of ``least`` or more, however many; else as
        ``identify``."""
        with self._current():
            everybody = self._part(terms.collection).subjects
            return [UserToken(it.subject) for it in self._ranked(probe, everybody, least, terms)]

    @contextmanager
    def _current(self, revision: int | None = None) -> Iterator[None]:
        """Raises IndexLoading."""
        self.refresh(revision)
        with self._lock.shared():
            self.check_filled()
            yield

    def _part(self, collection: CollectionName | None) -> Part:
        return self._rows.part(collection) if self._rows else Part(None)

    def _ranked(
        self, probe: Likeness, most: int, least: float, terms: SearchTerms
    ) -> Sequence[Ranked]:
        rows, part = self._rows, self._part(terms.collection)
        if rows is None or not part.templates or not probe.assessable:
            return []
        truth = SealedTruth(self._searched, self._feed, rows.roll.token, terms.collection)
        (ranked,) = RankSubjects(rows.index, truth)([probe], most, least, part.rows)
        return ranked

    def wipe(self) -> None:
        """Forget everybody, and zero the memory."""
        with self._taking_over:
            self._revision = None
            self._forget()

    def _forget(self) -> None:
        with self._lock.alone():
            if self._rows:
                self._rows.wipe()
            self._rows, self._read = None, 0

    def _walk(self) -> int | None:
        """Read everybody once, and take over what changes meanwhile. The revision that was reached;
        None when it has to be done again."""
        tenant_id = self._searched.tenant_id
        revision, position = self._feed.revision(tenant_id), 0
        while page := self._feed.read_after(
            tenant_id, position, limit=READ_AT_A_TIME, modality=self._searched.modality
        ):
            self._put(page)
            self._read += sum(len(it.references) for it in page)
            position = page[-1].position
            now_at = self._caught_up(revision)
            if now_at is None or self._stopping.is_set():
                return None
            revision = now_at
        return revision

    def _caught_up(self, revision: int) -> int | None:
        """Take over what has changed since; the new revision, None where that is not known."""
        tenant_id, modality = self._searched.tenant_id, self._searched.modality
        changed = self._feed.changes(tenant_id, since=revision)
        if changed.user_tokens is None:
            return None
        self._without(changed.collections)  # before those who entered others of the same names
        if changed.user_tokens:
            read = self._feed.read(tenant_id, changed.user_tokens, modality)
            self._replace(changed.user_tokens, read)
        return changed.revision

    def _replace(
        self, user_tokens: Iterable[UserToken], subjects: Sequence[EnrolledSubject]
    ) -> None:
        gone = set(user_tokens) - {it.user_token for it in subjects}
        if self._rows and gone:
            with self._lock.alone():
                for user_token in gone:
                    self._rows.discard(user_token)
        self._put(subjects)

    def _without(self, collections: Iterable[CollectionName]) -> None:
        if self._rows and collections:
            with self._lock.alone():
                for name in collections:
                    self._rows.discard_collection(name)

    def _put(self, subjects: Sequence[EnrolledSubject]) -> None:
        enrolled = [self._searched.enrolled(it) for it in subjects]
        with self._lock.alone():
            if self._rows is None:
                lengths = (len(template.vector) for it in enrolled for template in it.templates)
                if (values := next(lengths, None)) is None:
                    return
                self._rows = EnrolledRows(TemplateIndex(values), Roll(self._expected))
            self._rows.put(enrolled)
