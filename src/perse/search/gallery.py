"""People in memory, and who of them somebody is: for galleries without a server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from types import TracebackType
from typing import Generic, Self, TypeVar

import numpy as np

from perse.domain.identification import (
    DEFAULT_FPIR,
    AttributedTemplate,
    Identification,
    SearchTerms,
    SearchThreshold,
)
from perse.domain.likeness import FaceLikeness, Likeness
from perse.domain.references import Template
from perse.errors import ImageUnusable, InvalidParameter, ReferenceModelMismatch
from perse.search.index import TemplateIndex
from perse.search.measured import MeasuredFaces, identification
from perse.search.ranking import Ranked, RankSubjects
from perse.search.row_mask import RowMask
from perse.search.shared_lock import SharedLock

Given = TypeVar("Given")


class Gallery(Generic[Given]):
    """Subjects with one or more samples each; safe to share between threads.

    A subject is any text of yours that is not empty. A sample is a template or what one is made of.
    Searches run side by side; a change waits for those that have begun, and every later search
    knows of it. Nothing is written to a disk, and what is removed is zeroed in memory. Close it
    when done, or use it in a ``with``: then everybody is removed.
    """

    def __init__(self, measured: MeasuredFaces, template_of: Callable[[Given], Template]) -> None:
        self._measured = measured
        self._template_of = template_of
        self._lock = SharedLock()
        self._index: TemplateIndex | None = None
        self._numbers = count()
        self._samples: dict[int, AttributedTemplate] = {}
        self._rows: dict[str, dict[int, int]] = {}  # by subject: sample's number -> row

    def __len__(self) -> int:
        """How many subjects there are."""
        return len(self._rows)

    def __contains__(self, subject: object) -> bool:
        return subject in self._rows

    def __iter__(self) -> Iterator[str]:
        """The subjects there are now, the first added first."""
        with self._lock.shared():
            return iter(list(self._rows))

    def add(self, subject: str, *samples: Given | Template) -> None:
        """Samples of a subject, who may have others already.

        Raises ImageUnusable for one that shows too little of a person to be found by,
        ReferenceModelMismatch for another network's template, and what making templates raises;
        then nothing is added.
        """
        self.add_all([(subject, sample) for sample in samples])

    def add_all(self, samples: Sequence[tuple[str, Given | Template]]) -> None:
        """Many samples at once, each with its subject, in less time. All of them or none."""
        templates = self._enrollable(samples)
        with self._lock.alone():
            self._check_lengths([it.template for it in templates])
            self._add(templates)

    def replace(self, subject: str, *samples: Given | Template) -> None:
        """These samples in the place of all that the subject has; without any the subject is gone.

        No search finds the subject in between. Raises as ``add``; then nothing is changed.
        """
        templates = self._enrollable([(subject, sample) for sample in samples])
        with self._lock.alone():
            self._check_lengths([it.template for it in templates])
            self._remove(subject)
            self._add(templates)

    def remove(self, subject: str) -> bool:
        """Whether there was such a subject."""
        with self._lock.alone():
            return self._remove(subject)

    def identify(
        self,
        probe: Given | Template,
        *,
        max_candidates: int = 10,
        fpir: float = DEFAULT_FPIR,
        among: Collection[str] | None = None,
    ) -> Identification:
        """The subjects similar enough, the most similar first: as comparing with everybody says.

        ``max_candidates``: 1..100. ``fpir``: in how many of the searches for people who are not
        there may anybody be found; it sets the threshold. ``among``: search these subjects only;
        those that are not in the gallery are passed over. Raises InvalidParameter and what ``add``
        raises but ImageUnusable: a probe that shows too little is answered, with no candidates.
        """
        (answer,) = self.identify_all(
            [probe], max_candidates=max_candidates, fpir=fpir, among=among
        )
        return answer

    def identify_all(
        self,
        probes: Sequence[Given | Template],
        *,
        max_candidates: int = 10,
        fpir: float = DEFAULT_FPIR,
        among: Collection[str] | None = None,
    ) -> list[Identification]:
        """The same for many probes at once, in less time."""
        SearchTerms(max_candidates, fpir)  # says what is no good
        templates = [self._template(probe) for probe in probes]
        with self._lock.shared():
            self._check_lengths(templates)
            rows = self._among(among)
            threshold = self._measured.claims.threshold(fpir, sum(map(len, rows.values())))
            looked_for = [FaceLikeness(template, self._measured.scale) for template in templates]
            ranked = self._rank(looked_for, max_candidates, threshold, rows, among is not None)
        return [
            identification(probe, found, threshold, len(rows))
            for probe, found in zip(looked_for, ranked, strict=True)
        ]

    def close(self) -> None:
        """Forget everybody. The gallery is empty then, and may be filled again."""
        with self._lock.alone():
            for subject in list(self._rows):
                self._remove(subject)
            if self._index is not None:
                self._index.wipe()
            self._index = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _rank(
        self,
        probes: Sequence[Likeness],
        most: int,
        threshold: SearchThreshold,
        rows: Mapping[str, Mapping[int, int]],
        masked: bool,
    ) -> list[list[Ranked]]:
        if self._index is None or not rows:
            return [[] for _ in probes]
        mask: RowMask | None = None
        if masked:
            mask = self._index.mask(row for held in rows.values() for row in held.values())
        rank = RankSubjects(self._index, self._those)
        return rank(probes, most, threshold.similarity, mask)

    def _those(self, numbers: Sequence[int]) -> list[AttributedTemplate]:
        return [self._samples[number] for number in numbers]

    def _among(self, subjects: Collection[str] | None) -> Mapping[str, Mapping[int, int]]:
        if subjects is None:
            return self._rows
        return {it: self._rows[it] for it in set(subjects) if it in self._rows}

    def _add(self, samples: Sequence[AttributedTemplate]) -> None:
        if not samples:
            return
        vectors = np.stack([sample.template.vector for sample in samples])
        if self._index is None:
            self._index = TemplateIndex(vectors.shape[1])
        numbers = [next(self._numbers) for _ in samples]
        rows = self._index.add(numbers, vectors).tolist()
        for number, row, sample in zip(numbers, rows, samples, strict=True):
            self._samples[number] = sample
            self._rows.setdefault(sample.subject, {})[number] = row

    def _remove(self, subject: str) -> bool:
        held = self._rows.pop(subject, None)
        if held is None or self._index is None:
            return False
        self._index.remove(held.values())
        for number in held:
            self._samples.pop(number).template.vector.fill(0)
        return True

    def _enrollable(
        self, samples: Sequence[tuple[str, Given | Template]]
    ) -> list[AttributedTemplate]:
        """Copies, which are this gallery's to zero."""
        templates = []
        for subject, sample in samples:
            if not isinstance(subject, str) or not subject:
                raise InvalidParameter("a subject is a text that is not empty")
            template = self._template(sample)
            if not self._measured.scale.tells_of(template):
                raise ImageUnusable(
                    "a sample shows too little of a person to be found by: take another one, with "
                    "the whole face, upright, near and sharp"
                )
            own = replace(template, vector=template.vector.copy())
            templates.append(AttributedTemplate(subject, own))
        return templates

    def _check_lengths(self, templates: Sequence[Template]) -> None:
        lengths = {len(template.vector) for template in templates}
        if self._index is not None:
            lengths.add(self._index.values)
        if len(lengths) > 1:
            raise InvalidParameter(f"templates of {self._measured.model} are of one length")

    def _template(self, sample: Given | Template) -> Template:
        template = sample if isinstance(sample, Template) else self._template_of(sample)
        if template.model != self._measured.model:
            raise ReferenceModelMismatch(
                f"this gallery is of {self._measured.model}; templates of {template.model} do not "
                "compare with its: make them with the same network"
            )
        return template
