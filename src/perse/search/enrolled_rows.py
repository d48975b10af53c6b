"""One tenant's templates of one network in memory: whose each row is, and the collections."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import numpy as np

from perse.domain.references import Template, UserToken
from perse.domain.subjects import CollectionName
from perse.search.index import RowMask, TemplateIndex
from perse.search.roll import Roll

_NONE: Final = -1
_BYTES_PER_LINK: Final = 4


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Somebody as an index takes them. ``templates``: those that it can search, possibly none."""

    user_token: UserToken
    collections: frozenset[CollectionName]
    templates: Sequence[Template]


@dataclass(slots=True)
class Part:
    """A collection, or everybody: how many subjects and templates can be found in it. ``rows``:
    None = all."""

    rows: RowMask | None
    subjects: int = 0
    templates: int = 0


@dataclass(slots=True)
class EnrolledRows:
    """Samples stand in the index under the number of their subject, so that no name is kept for
    them; a subject's rows hang on a chain of numbers. Nothing is synchronised here."""

    index: TemplateIndex
    roll: Roll = field(default_factory=Roll)
    everybody: Part = field(default_factory=lambda: Part(None))
    _collections: dict[CollectionName, Part] = field(default_factory=dict)
    _first: array[int] = field(default_factory=lambda: array("i"))  # by subject: a row
    _next: array[int] = field(default_factory=lambda: array("i"))  # by row: the subject's next one

    @property
    def bytes_held(self) -> int:
        links = _BYTES_PER_LINK * (len(self._first) + len(self._next))
        masks = sum(part.rows.bytes_held for part in self._collections.values() if part.rows)
        return self.index.bytes_held + self.roll.bytes_held + links + masks

    def part(self, collection: CollectionName | None) -> Part:
        """None = everybody; a collection that nobody is in is empty."""
        if collection is None:
            return self.everybody
        return self._collections.get(collection) or Part(self.index.mask(()))

    def put(self, subjects: Sequence[Enrolled]) -> None:
        """As they are now, in the place of what was known of them; each once."""
        for subject in subjects:
            self.discard(subject.user_token)
        found = [subject for subject in subjects if subject.templates]
        if not found:
            return
        numbers = [self._numbered(subject.user_token) for subject in found]
        each = [
            number
            for number, subject in zip(numbers, found, strict=True)
            for _ in subject.templates
        ]
        vectors = [template.vector for subject in found for template in subject.templates]
        rows = iter(self.index.add(each, np.stack(vectors)).tolist())
        for number, subject in zip(numbers, found, strict=True):
            taken = [next(rows) for _ in subject.templates]
            self._chain(number, taken)
            for part in self._parts(subject.collections):
                _count(part, taken)

    def discard(self, user_token: UserToken) -> None:
        """Whether somebody is there or not."""
        number = self.roll.find(user_token)
        if number is None:
            return
        rows = list(self._rows_of(number))
        for part in chain([self.everybody], self._collections.values()):
            if part.rows is None or rows[0] in part.rows:
                _discount(part, rows)
        self._collections = {name: it for name, it in self._collections.items() if it.subjects}
        self.index.remove(rows)
        self.roll.remove(user_token)

    def wipe(self) -> None:
        """Empty, and its memory zeroed."""
        self.index.wipe()
        self.roll, self._collections = Roll(), {}
        self._first, self._next, self.everybody = array("i"), array("i"), Part(None)

    def _numbered(self, user_token: UserToken) -> int:
        number = self.roll.add(user_token)
        if number == len(self._first):
            self._first.append(_NONE)
        return number

    def _chain(self, number: int, rows: Sequence[int]) -> None:
        missing = max(rows) + 1 - len(self._next)
        if missing > 0:
            self._next.extend([_NONE] * missing)
        for row, following in zip(rows, [*rows[1:], _NONE], strict=True):
            self._next[row] = following
        self._first[number] = rows[0]

    def _rows_of(self, number: int) -> Iterable[int]:
        row = self._first[number]
        while row != _NONE:
            yield row
            row = self._next[row]

    def _parts(self, collections: Iterable[CollectionName]) -> Iterable[Part]:
        yield self.everybody
        for name in collections:
            if name not in self._collections:
                self._collections[name] = Part(self.index.mask(()))
            yield self._collections[name]


def _count(part: Part, rows: Sequence[int]) -> None:
    part.subjects, part.templates = part.subjects + 1, part.templates + len(rows)
    if part.rows is not None:
        for row in rows:
            part.rows.add(row)


def _discount(part: Part, rows: Sequence[int]) -> None:
    part.subjects, part.templates = part.subjects - 1, part.templates - len(rows)
    if part.rows is not None:
        for row in rows:
            part.rows.discard(row)
