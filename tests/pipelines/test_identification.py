"""Who of many is this, and do we know this face already: over the real search and a fake feed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from perse.domain.access import Caller, KeyId
from perse.domain.identification import SearchTerms
from perse.domain.subjects import CollectionName
from perse.errors import CollectionNotFound, IndexLoading, NoFaceDetected, SearchMemoryExceeded
from perse.pipelines.comparison import Picture
from perse.pipelines.probe import Probe
from perse.search.live_search import READ_AT_ONCE
from tests.fakes.faces import EMPTY_SCENE, FakeFaces, picture
from tests.fakes.searching import FakeSearching
from tests.fakes.subject_feed import ACME, OTHER

CALLER = Caller(ACME, KeyId("key"))
ANN, BOB = 1, 2
STAFF = CollectionName("staff")


@pytest.fixture
def searching() -> Iterator[FakeSearching]:
    opened = FakeSearching(FakeFaces())
    with closing(opened):
        yield opened


def shown(searching: FakeSearching, content: bytes) -> Probe:
    return Probe(Picture("image_file", lambda: searching.faces.decode(content)))


def test_the_answer_says_who_it_may_be_and_what_the_picture_is_like(
    searching: FakeSearching,
) -> None:
    ann, _ = searching.enrol(ACME, ANN, BOB)
    found = searching.identify(CALLER, shown(searching, picture(ANN)), SearchTerms())
    assert found.face is not None
    assert [it.subject for it in found.face.identification.candidates] == [ann]
    assert found.face.seen.pad is not None
    assert found.face.models["face_embedder"] == "fake-embedder"
    assert found.voice is None


def test_a_collection_that_is_not_there_is_said_before_pixels_are_looked_at(
    searching: FakeSearching,
) -> None:
    searching.enrol(OTHER, ANN, collection=STAFF)
    seen = len(searching.faces.decoded)
    with pytest.raises(CollectionNotFound):
        searching.identify(CALLER, shown(searching, picture(ANN)), SearchTerms(collection=STAFF))
    assert len(searching.faces.decoded) == seen


def test_a_search_that_is_not_ready_is_said_before_pixels_are_looked_at() -> None:
    searching = FakeSearching(FakeFaces(), most_bytes=1000)
    template = searching.template(ANN)
    with closing(searching):
        for most, error in ((6, SearchMemoryExceeded), (READ_AT_ONCE + 1, SearchMemoryExceeded)):
            for _ in range(most - searching.feed.total(ACME)):
                searching.feed.put(template)
            seen = len(searching.faces.decoded)
            with pytest.raises(error):
                searching.identify(CALLER, shown(searching, picture(ANN)), SearchTerms())
            assert len(searching.faces.decoded) == seen


def test_who_is_read_into_memory_is_told_before_pixels_are_looked_at(
    searching: FakeSearching,
) -> None:
    template = searching.template(ANN)
    for _ in range(READ_AT_ONCE + 1):
        searching.feed.put(template)
    seen = len(searching.faces.decoded)
    with pytest.raises(IndexLoading):
        searching.identify(CALLER, shown(searching, picture(ANN)), SearchTerms())
    assert len(searching.faces.decoded) == seen


def test_a_picture_of_nobody_is_said(searching: FakeSearching) -> None:
    with pytest.raises(NoFaceDetected, match="image_file"):
        searching.identify(CALLER, shown(searching, EMPTY_SCENE), SearchTerms())


def test_who_is_enrolled_under_another_name_is_a_duplicate(searching: FakeSearching) -> None:
    ann, again, _ = searching.enrol(ACME, ANN, ANN, BOB)
    searching.enrol(OTHER, ANN)
    likeness = searching.likeness(ANN)
    known = {it.subject for it in searching.duplicates(CALLER, likeness).candidates}
    assert known == {ann, again}
    found = searching.duplicates(CALLER, likeness, beside=ann)
    assert [(it.subject, it.rank) for it in found.candidates] == [(again, 1)]
    assert (found.subjects, found.threshold.comparisons) == (3, 3)  # ann was searched, too


def test_duplicates_are_looked_for_in_a_collection_and_at_a_rate(searching: FakeSearching) -> None:
    searching.enrol(ACME, ANN)
    (inside,) = searching.enrol(ACME, ANN, collection=STAFF)
    likeness = searching.likeness(ANN)
    found = searching.duplicates(CALLER, likeness, collection=STAFF, fpir=1e-3)
    assert [it.subject for it in found.candidates] == [inside]
    assert found.threshold.fpir == 1e-3
    assert searching.duplicates(CALLER, likeness, collection=STAFF, fpir=1e-6).candidates == ()
    with pytest.raises(CollectionNotFound):
        searching.duplicates(CALLER, likeness, collection=CollectionName("nobody"))
