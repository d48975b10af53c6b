"""An index that follows what is enrolled, over a feed in memory."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.domain.identification import AttributedTemplate, SearchClaims, SearchTerms
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Modality, Template
from perse.domain.samples import ModelName
from perse.domain.subjects import CollectionName
from perse.errors import IndexLoading, InvalidParameter
from perse.search import live_index
from perse.search.live_index import LiveIndex
from perse.search.measured import Measured
from perse.search.sources import Searched
from tests.fakes.subject_feed import ACME, OTHER, FakeFeed
from tests.recognisable import GOOD, HOPELESS, NET, POINTS, SCALE, template
from tests.search.comings_and_goings import CHANGES, Changes, comings_and_goings
from tests.search.test_ranking import compared_with_all, people

MEASURED = Measured(NET, SearchClaims(POINTS, lowest_fmr=1e-5))
ANN, BOB, EVE = template(1, 0), template(0, 1), template(-1, 0)
ANYBODY = SearchTerms(10, 0.01)


def over(feed: FakeFeed, *, filled: bool = True) -> LiveIndex:
    index = LiveIndex(Searched(ACME, Modality.FACE, MEASURED), feed, threading.Event())
    if filled:
        index.fill()
    return index


def face(probe: Template) -> FaceLikeness:
    return FaceLikeness(probe, SCALE)


def found(index: LiveIndex, probe: Template, wanted: SearchTerms = ANYBODY) -> list[str]:
    return [it.subject for it in index.identify(face(probe), wanted).candidates]


def test_who_is_enrolled_is_found_with_the_best_sample_and_the_clients_own_name() -> None:
    feed = FakeFeed()
    ann = feed.put(template(1, 0.4), ANN)
    feed.put(BOB)
    (candidate,) = over(feed).identify(face(ANN), ANYBODY).candidates
    assert (candidate.subject, candidate.rank) == (ann, 1)
    assert candidate.similarity == SCALE.resemblance(ANN, ANN).similarity
    assert candidate.sample == feed.sample_of(ann, 1)
    assert candidate.external_id == f"external {ann[:8]}"


def test_nobody_is_identified_before_everybody_has_been_read() -> None:
    feed = FakeFeed()
    feed.put(ANN)
    index = over(feed, filled=False)
    with pytest.raises(IndexLoading, match="0 of 1 samples"):
        index.identify(face(ANN), ANYBODY)
    index.fill()
    assert len(found(index, ANN)) == 1


def test_among_nobody_nobody_is_found() -> None:
    answer = over(FakeFeed()).identify(face(ANN), ANYBODY)
    assert answer.candidates == ()
    assert (answer.subjects, answer.threshold.comparisons) == (0, 0)


def test_what_changes_is_seen_by_the_next_search() -> None:
    feed = FakeFeed()
    index = over(feed)
    ann = feed.put(ANN)
    assert found(index, ANN) == [ann]
    feed.put(EVE, token=ann)
    assert found(index, ANN) == []
    assert found(index, EVE) == [ann]
    feed.remove(ann)
    assert found(index, EVE) == []
    assert index.templates == 0


def test_a_search_reads_nobody_whom_it_does_not_need() -> None:
    feed = FakeFeed()
    for n in range(50):
        feed.put(template(-1, n / 100))
    index = over(feed)
    before = feed.reads
    assert found(index, ANN) == []
    assert feed.reads == before


def test_who_goes_while_a_search_runs_is_not_found_and_hides_nobody() -> None:
    feed = FakeFeed()
    nearest, next_one = feed.put(ANN), feed.put(template(1, 0.2))
    index = over(feed)
    feed.hooks.append(lambda: feed.remove(nearest))
    assert found(index, ANN, SearchTerms(1, 0.01)) == [next_one]


def test_who_changes_while_a_search_runs_is_found_as_they_are() -> None:
    feed = FakeFeed()
    ann = feed.put(ANN)
    index = over(feed)
    feed.hooks.append(lambda: feed.put(EVE, token=ann))
    assert found(index, ANN) == []


def test_a_collection_is_searched_alone_and_sets_the_threshold_by_its_own_size() -> None:
    feed = FakeFeed()
    ann = feed.put(ANN, template(1, 0.1), collections=["staff", "door"])
    other = feed.put(template(1, 0.05))
    feed.put(BOB, collections=["staff"])
    index = over(feed)
    staff, door = (SearchTerms(10, 0.01, CollectionName(it)) for it in ("staff", "door"))
    answer = index.identify(face(ANN), staff)
    assert [it.subject for it in answer.candidates] == [ann]
    assert (answer.subjects, answer.threshold.comparisons) == (2, 3)
    assert found(index, ANN) == [ann, other]
    feed.put(ANN, token=ann, collections=["staff"])
    assert found(index, ANN, door) == []
    assert index.identify(face(ANN), door).subjects == 0
    assert found(index, ANN, staff) == [ann]


def test_a_collection_that_is_removed_is_searched_no_more_and_nobody_is_read_for_it() -> None:
    feed = FakeFeed()
    ann = feed.put(ANN, collections=["staff", "door"])
    for _ in range(50):
        feed.put(BOB, collections=["staff"])
    index = over(feed)
    staff, door = (SearchTerms(10, 0.01, CollectionName(it)) for it in ("staff", "door"))
    assert index.identify(face(ANN), staff).subjects == 51
    feed.remove_collection("staff")
    before, took = feed.reads, index.bytes_held
    answer = index.identify(face(ANN), staff)
    assert (answer.candidates, answer.subjects, feed.reads) == ((), 0, before)
    assert index.bytes_held < took
    assert found(index, ANN, door) == found(index, ANN) == [ann]


def test_who_enters_a_new_collection_of_a_removed_ones_name_is_alone_in_it() -> None:
    feed = FakeFeed()
    ann, bob = (feed.put(ANN, collections=["staff"]) for _ in range(2))
    index = over(feed)
    feed.put(ANN, collections=["staff"])
    feed.remove_collection("staff")
    feed.put(ANN, token=bob, collections=["staff"])
    staff = SearchTerms(10, 0.01, CollectionName("staff"))
    answer = index.identify(face(ANN), staff)
    assert ([it.subject for it in answer.candidates], answer.subjects) == ([bob], 1)
    assert ann in found(index, ANN)


def test_a_collection_that_is_removed_while_everybody_is_read_is_not_searched() -> None:
    feed = FakeFeed()
    for _ in range(live_index.READ_AT_A_TIME + 5):
        feed.put(BOB, collections=["staff"])
    feed.hooks += [lambda: None, lambda: feed.remove_collection("staff")]
    staff = SearchTerms(10, 0.01, CollectionName("staff"))
    assert over(feed).identify(face(BOB), staff).subjects == 0


def test_who_leaves_the_collection_while_a_search_runs_is_not_found() -> None:
    feed = FakeFeed()
    ann = feed.put(ANN, collections=["staff"])
    index = over(feed)
    feed.hooks.append(lambda: feed.put(ANN, token=ann))
    assert found(index, ANN, SearchTerms(10, 0.01, CollectionName("staff"))) == []


def test_templates_of_another_network_and_voices_are_no_part_of_a_search_of_faces() -> None:
    feed = FakeFeed()
    feed.put(replace(ANN, model=ModelName("before")))
    feed.put(ANN, modality=Modality.VOICE)
    index = over(feed)
    assert found(index, ANN) == []
    assert index.identify(face(ANN), ANYBODY).subjects == 0
    assert index.templates == 0


def test_a_probe_that_shows_too_little_is_answered_with_nobody() -> None:
    feed = FakeFeed()
    feed.put(ANN)
    answer = over(feed).identify(face(template(1, 0, traits=HOPELESS)), ANYBODY)
    assert answer.candidates == ()
    assert not answer.assessable


def test_a_search_for_too_many_or_at_no_rate_is_refused() -> None:
    for most, fpir in ((0, 0.01), (101, 0.01), (1, 0.0), (1, 9e-7), (1, 1.0)):
        with pytest.raises(InvalidParameter):
            SearchTerms(most, fpir)


def test_after_more_changes_than_are_kept_everything_is_read_again() -> None:
    feed = FakeFeed(kept=3)
    ann = feed.put(ANN)
    index = over(feed)
    feed.remove(ann)
    bobs = [feed.put(BOB) for _ in range(4)]
    with pytest.raises(IndexLoading):
        index.identify(face(ANN), ANYBODY)
    index.fill()
    assert found(index, ANN) == []
    assert found(index, BOB) == sorted(bobs)


@pytest.mark.parametrize("kept", [1, 1000])
def test_what_changes_while_everybody_is_read_is_not_missed(kept: int) -> None:
    feed = FakeFeed(kept=kept)
    tokens = [feed.put(BOB) for _ in range(2 * live_index.READ_AT_A_TIME + 5)]
    page = tokens[: live_index.READ_AT_A_TIME]

    def change() -> None:
        """The whole page that has been read goes; so do some who have not been read yet."""
        for token in [*page, *tokens[-2:]]:
            feed.remove(token)
        feed.put(ANN, token=tokens[live_index.READ_AT_A_TIME])

    feed.hooks += [lambda: None, change]
    index = over(feed)
    assert found(index, ANN) == [tokens[live_index.READ_AT_A_TIME]]
    assert index.identify(face(BOB), ANYBODY).subjects == len(feed.held)


def test_what_is_forgotten_has_to_be_read_again() -> None:
    feed = FakeFeed()
    feed.put(ANN)
    index = over(feed)
    index.wipe()
    assert (index.bytes_held, index.filled) == (0, False)
    with pytest.raises(IndexLoading):
        index.identify(face(ANN), ANYBODY)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    changes=CHANGES,
    fpir=st.sampled_from([1e-3, 1e-2, 0.3]),
)
def test_a_search_answers_as_comparing_with_everybody_who_is_there(
    seed: int, changes: Changes, fpir: float
) -> None:
    """Whoever came, went and changed; and nobody of another tenant is ever a candidate."""
    pool = [it.template for it in people(seed, 60, subjects=1, traits=(GOOD, None)).values()]
    probe = people(seed + 1, 1, subjects=1, traits=(GOOD,))[0].template
    feed = FakeFeed(kept=5)
    for sample in pool:
        feed.put(sample, tenant=OTHER)
    index = over(feed)
    for turn in comings_and_goings(feed, pool, changes):
        if turn % 7 == 6:
            _refreshed(index)
    _refreshed(index)
    for collection in (None, CollectionName("odd")):
        there = [
            AttributedTemplate(it.user_token, reference.template)
            for (tenant, _), it in feed.held.items()
            if tenant == ACME and (collection is None or collection in it.collections)
            for reference in it.references
        ]
        answer = index.identify(face(probe), SearchTerms(5, fpir, collection))
        assert answer.subjects == len({it.subject for it in there})
        assert answer.threshold == MEASURED.claims.threshold(fpir, len(there))
        expected = compared_with_all(
            probe, dict(enumerate(there)), SCALE, 5, answer.threshold.similarity
        )
        assert [(it.subject, it.similarity) for it in answer.candidates] == expected


def _refreshed(index: LiveIndex) -> None:
    try:
        index.refresh()
    except IndexLoading:
        index.fill()


def test_changes_and_searches_side_by_side_disturb_nobody() -> None:
    feed = FakeFeed()
    ann = feed.put(ANN)
    index, done, missed = over(feed), threading.Event(), list[object]()

    def search() -> None:
        while not done.is_set():
            if found(index, ANN) != [ann]:
                missed.append(feed.revisions())

    searching = [threading.Thread(target=search) for _ in range(3)]
    for thread in searching:
        thread.start()
    for turn in range(60):
        token = feed.put(template(0, 1, turn / 100))
        feed.put(template(1, 0, turn % 5 / 100), token=ann)
        feed.remove(token)
    done.set()
    for thread in searching:
        thread.join()
    assert missed == []
