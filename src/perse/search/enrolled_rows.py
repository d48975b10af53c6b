"""One tenant's templates of one network in memory: whose each row is, and the collections."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from perse.domain.references import Template, UserToken
from perse.domain.subjects import CollectionName
from perse.search.index import TemplateIndex
from perse.search.roll import Roll
from perse.search.row_mask import RowMask

_NONE: Final = -1
_BYTES_PER_LINK: Final = 4
# Of the name, the counts and the table of one, whoever is in it.
_BYTES_PER_COLLECTION: Final = 500


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Somebody as an index takes them. ``templates``: those that it can search, possibly none."""

    user_token: UserToken
    collections: frozenset[CollectionName]
    templates: Sequence[Template]


@dataclass(slots=True)
class Part:
    """A collection, or everybody: how many subjects and templates can be found in it. ``rows``:
    None = all. ``most``: nobody who was ever in it has had more templates."""

    rows: RowMask | None
    subjects: int = 0
    templates: int = 0
    most: int = 0

    def count(self, rows: Sequence[int]) -> int:
        """One more subject, who has these rows; by how many bytes the mask grew."""
        self.subjects, self.templates = self.subjects + 1, self.templates + len(rows)
        self.most = max(self.most, len(rows))
        before = self._bytes_held
        if self.rows is not None:
            for row in rows:
                self.rows.add(row)
        return self._bytes_held - before

    def discount(self, rows: Sequence[int]) -> int:
        """One subject less; by how many bytes the mask grew, which is not above 0."""
        self.subjects, self.templates = self.subjects - 1, self.templates - len(rows)
        before = self._bytes_held
        if self.rows is not None:
            for row in rows:
                self.rows.discard(row)
        return self._bytes_held - before

    @property
    def _bytes_held(self) -> int:
        return 0 if self.rows is None else self.rows.bytes_held


@dataclass(slots=True)
class EnrolledRows:
    """Samples stand in the index under the number of their subject, so that no name is kept for
    them; a subject's rows hang on a chain of numbers. Nothing is synchronised here."""

    index: TemplateIndex
    roll: Roll = field(default_factory=Roll)
    everybody: Part = field(default_factory=lambda: Part(None))
    _collections: dict[CollectionName, Part] = field(default_factory=dict)
    _bytes_of_collections: int = 0
    _first: array[int] = field(default_factory=lambda: array("i"))  # by subject: a row
    _next: array[int] = field(default_factory=lambda: array("i"))  # by row: the subject's next one

    @property
    def bytes_held(self) -> int:
        links = _BYTES_PER_LINK * (len(self._first) + len(self._next))
        own = self.index.bytes_held + self.roll.bytes_held + links
        return own + self._bytes_of_collections

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
            self.everybody.count(taken)
            for name in subject.collections:
                part = self._collection(name)
                self._bytes_of_collections += part.count(taken)

    def discard(self, user_token: UserToken) -> None:
        """Whether somebody is there or not."""
        number = self.roll.find(user_token)
        if number is None:
            return
        rows = list(self._rows_of(number))
        self.everybody.discount(rows)
        for name, part in list(self._collections.items()):
            if part.rows is not None and rows[0] in part.rows:
                self._bytes_of_collections += part.discount(rows)
                if not part.subjects:
                    self.discard_collection(name)
        self.index.remove(rows)
        self.roll.remove(user_token)

    def discard_collection(self, name: CollectionName) -> None:
        """Whether there is such a one or not. Its members stay."""
        part = self._collections.pop(name, None)
        if part and part.rows is not None:
            self._bytes_of_collections -= _BYTES_PER_COLLECTION + part.rows.bytes_held

    def wipe(self) -> None:
        """Empty, and its memory zeroed."""
        self.index.wipe()
        self.roll, self._collections, self._bytes_of_collections = Roll(), {}, 0
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

    def _collection(self, name: CollectionName) -> Part:
        if name not in self._collections:
            self._collections[name] = Part(self.index.mask(()))
            self._bytes_of_collections += _BYTES_PER_COLLECTION
        return self._collections[name]
