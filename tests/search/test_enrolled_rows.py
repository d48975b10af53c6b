"""Whose rows they are, in little memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perse.domain.references import Template, new_user_token
from perse.domain.samples import ModelName
from perse.domain.subjects import CollectionName
from perse.search.enrolled_rows import Enrolled, EnrolledRows
from perse.search.index import TemplateIndex
from tests.search.vectors import alike

NET = ModelName("net")
STAFF = CollectionName("staff")


def enrolled(count: int, *, samples: int = 1, values: int = 128) -> list[Enrolled]:
    vectors = alike(count * samples, values, seed=count)
    templates = [Template(vector, NET) for vector in vectors]
    return [
        Enrolled(new_user_token(), frozenset([STAFF] * (n % 2)), templates[n::count])
        for n in range(count)
    ]


@pytest.mark.parametrize("samples", [1, 3])
def test_a_template_takes_less_than_200_bytes_all_told(samples: int) -> None:
    rows = EnrolledRows(TemplateIndex(128))
    for part in range(5):
        rows.put(enrolled(1000 + part, samples=samples))
    assert rows.bytes_held / rows.everybody.templates < 200


def test_rows_of_who_is_gone_are_written_again() -> None:
    rows, people = EnrolledRows(TemplateIndex(8)), enrolled(500, samples=2, values=8)
    rows.put(people)
    before = rows.bytes_held
    for _ in range(3):
        for person in people:
            rows.discard(person.user_token)
        assert (len(rows.index), len(rows.roll), rows.everybody.subjects) == (0, 0, 0)
        assert rows.part(STAFF).templates == 0
        rows.put(people)
        assert (rows.part(STAFF).subjects, rows.part(STAFF).templates) == (250, 500)
    assert rows.bytes_held == before


def test_what_is_wiped_is_zeroed() -> None:
    rows = EnrolledRows(TemplateIndex(8))
    rows.put(enrolled(10, values=8))
    codes = rows.index.chunks[0].codes
    assert codes.any()
    rows.wipe()
    assert not codes.any()
    assert rows.everybody.subjects == len(rows.roll) == 0


def test_what_one_person_had_is_zeroed_when_they_go() -> None:
    rows, people = EnrolledRows(TemplateIndex(8)), enrolled(2, samples=2, values=8)
    rows.put(people)
    rows.discard(people[0].user_token)
    assert np.count_nonzero(rows.index.chunks[0].codes.any(axis=1)) == 2


def test_collections_take_memory_for_their_members_however_many_there_are() -> None:
    rows, people = EnrolledRows(TemplateIndex(8)), enrolled(3000, values=8)
    rows.put(people)
    alone = rows.bytes_held
    rows.put([replace(it, collections=some_of_a_thousand(n)) for n, it in enumerate(people)])
    assert 600_000 < rows.bytes_held - alone < 900_000
    rows.put(people)
    assert rows.bytes_held == alone


def some_of_a_thousand(first: int) -> frozenset[CollectionName]:
    return frozenset(CollectionName(f"{(first + n) % 1000}") for n in range(20))


def test_a_collection_that_is_discarded_leaves_its_members_to_the_others() -> None:
    rows, people = EnrolledRows(TemplateIndex(8)), enrolled(10, values=8)
    rows.put(people)
    before = rows.bytes_held
    rows.discard_collection(STAFF)
    rows.discard_collection(STAFF)
    assert rows.bytes_held < before
    assert (rows.part(STAFF).subjects, rows.everybody.subjects) == (0, 10)
    rows.put(people)
    assert rows.part(STAFF).subjects == 5
