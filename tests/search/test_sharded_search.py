"""A gallery over machines answers as one in this memory does, to the last bit."""

from __future__ import annotations

import threading
from os import urandom

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.domain.identification import Identification, SearchClaims, SearchTerms
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Modality, Template, UserToken
from perse.domain.subjects import CollectionName
from perse.errors import ClusterUnavailable, IndexLoading, SearchMemoryExceeded, StorageUnavailable
from perse.search import live_search
from perse.search.live_index import LiveIndex
from perse.search.live_search import LiveSearch
from perse.search.measured import Measured
from perse.search.sealed_words import SealedWords
from perse.search.shard import Shard
from perse.search.sources import Searched
from tests.fakes.sharding import FakeMachines, FakeReplica
from tests.fakes.subject_feed import ACME, OTHER, FakeFeed
from tests.recognisable import GOOD, HOPELESS, NET, POINTS, SCALE, template
from tests.search.comings_and_goings import CHANGES, Changes, comings_and_goings
from tests.search.test_ranking import people

FACES = {Modality.FACE: Measured(NET, SearchClaims(POINTS, lowest_fmr=1e-5))}
ANN, BOB = template(1, 0), template(0, 1)
ANYBODY = SearchTerms(10, 0.01)


def machines(feed: FakeFeed, *, parts: int = 3, copies: int = 1) -> FakeMachines:
    return FakeMachines(feed, FACES, parts, copies)


def among(*people: Template) -> tuple[FakeFeed, list[UserToken]]:
    """These, and thirty others, so that every part has some."""
    feed = FakeFeed()
    tokens = [feed.put(it) for it in people]
    for _ in range(30):
        feed.put(BOB)
    return feed, tokens


def asked(
    over: FakeMachines, probe: Template = ANN, terms: SearchTerms = ANYBODY
) -> Identification:
    return over.search.identify(ACME, Modality.FACE, FaceLikeness(probe, SCALE), terms)


def of(over: FakeMachines, token: UserToken) -> list[FakeReplica]:
    """Those that hold this subject."""
    (place,) = [n for n, it in enumerate(over.replicas) if _holds(it[0], token)]
    return over.replicas[place]


def search_of(replica: FakeReplica) -> LiveSearch:
    assert isinstance(replica.shard, Shard)
    return replica.shard.search


def _holds(replica: FakeReplica, token: UserToken) -> bool:
    feed = search_of(replica)._feed
    return bool(feed.read(ACME, [token]))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    changes=CHANGES,
    fpir=st.sampled_from([1e-3, 1e-2, 0.3]),
    parts=st.integers(1, 5),
)
def test_answers_equal_those_of_one_index_bit_for_bit(
    seed: int, changes: Changes, fpir: float, parts: int
) -> None:
    """Whoever came, went and changed before and after machines and index were filled."""
    pool = [it.template for it in people(seed, 60, subjects=1, traits=(GOOD, None)).values()]
    probe = people(seed + 1, 1, subjects=1, traits=(GOOD,))[0].template
    feed = FakeFeed()
    for sample in pool:
        feed.put(sample, tenant=OTHER)
    over = machines(feed, parts=parts)
    single = LiveIndex(Searched(ACME, Modality.FACE, FACES[Modality.FACE]), feed, threading.Event())
    single.fill()
    for turn in comings_and_goings(feed, pool, changes):
        if turn % 7 == 6:
            asked(over)
    for collection in (None, CollectionName("odd")):
        terms = SearchTerms(5, fpir, collection)
        answer = asked(over, probe, terms)
        assert answer == single.identify(FaceLikeness(probe, SCALE), terms)
        assert not answer.partial


def test_a_lost_machine_is_answered_for_by_the_other_one_of_its_part() -> None:
    feed, (ann,) = among(ANN)
    over = machines(feed, copies=2)
    whole = asked(over)
    for pair in over.replicas:
        pair[0].lost = True
        assert asked(over) == asked(over) == whole
    assert [it.subject for it in whole.candidates] == [ann]


def test_without_another_one_the_answer_is_partial_and_says_how_many_were_searched() -> None:
    feed, (ann,) = among(ANN)
    over = machines(feed)
    whole = asked(over)
    of(over, ann)[0].lost = True
    answer = asked(over)
    assert (answer.partial, answer.candidates) == (True, ())
    assert 0 < answer.subjects < whole.subjects == 31
    assert answer.threshold == FACES[Modality.FACE].claims.threshold(0.01, answer.subjects)


def test_whoever_is_held_by_those_that_are_left_is_found_in_a_partial_answer() -> None:
    feed, (ann,) = among(ANN)
    over = machines(feed)
    asked(over)
    for replicas in over.replicas:
        replicas[0].lost = replicas != of(over, ann)
    answer = asked(over)
    assert (answer.partial, [it.subject for it in answer.candidates]) == (True, [ann])


def test_a_machine_that_is_back_is_searched_again() -> None:
    feed, (ann,) = among(ANN)
    over = machines(feed)
    asked(over)
    lost = of(over, ann)[0]
    lost.lost = True
    assert asked(over).partial
    feed.put(ANN)
    lost.lost = False
    answer = asked(over)
    assert not answer.partial
    assert len(answer.candidates) == 2


def test_where_nobody_answers_the_search_is_refused() -> None:
    feed, _ = among(ANN)
    over = machines(feed)
    for replicas in over.replicas:
        replicas[0].lost = True
    with pytest.raises(ClusterUnavailable):
        asked(over)


@pytest.mark.parametrize("answers", [0, 1])
def test_a_machine_lost_in_the_midst_of_a_search_leaves_a_partial_answer(answers: int) -> None:
    feed, (ann,) = among(ANN)
    over = machines(feed)
    asked(over)
    feed.put(BOB)
    lost = of(over, ann)[0]
    lost.lost_after = len(lost.heard) + answers
    assert asked(over).partial


def test_a_machine_lost_between_two_searches_leaves_a_partial_answer() -> None:
    feed, (ann,) = among(ANN)
    over = machines(feed)
    asked(over)
    of(over, ann)[0].lost = True
    assert asked(over).partial


def test_who_does_not_answer_is_waited_for_once_and_then_asked_last() -> None:
    feed, (ann,) = among(ANN)
    over = FakeMachines(feed, FACES, parts=1, copies=2, patience_s=0.01)
    mute = over.replicas[0][0]
    mute.mute = True
    for _ in range(4):
        assert [it.subject for it in asked(over).candidates] == [ann]
    assert len(mute.heard) == 1


def large_feed() -> FakeFeed:
    """More in each of two parts than are read while a search waits."""
    feed = FakeFeed()
    for _ in range(2 * live_search.READ_AT_ONCE + 1000):
        feed.put(BOB)
    return feed


def test_until_every_part_has_been_read_searches_are_told_how_far_it_is() -> None:
    feed = large_feed()
    over = machines(feed, parts=2)
    with pytest.raises(IndexLoading, match=r"0 of 11,000 samples"):
        asked(over)
    _until_filled(over)
    assert asked(over).subjects == 11_000


def test_a_part_that_is_read_anew_after_a_loss_makes_answers_partial_and_none_wait() -> None:
    feed = large_feed()
    over = machines(feed, parts=2)
    _until_filled(over)
    assert not asked(over).partial
    over.replicas[0][0].shard = over.replica(0).shard  # another machine took its place
    assert asked(over).partial
    _until_filled(over)
    assert not asked(over).partial


def _until_filled(over: FakeMachines) -> None:
    for replicas in over.replicas:
        for replica in replicas:
            index = search_of(replica)
            while not _ready(index):
                (held,) = index._held.values()
                assert held.filling
                held.filling.result(60)


def _ready(index: LiveSearch) -> bool:
    try:
        index.check_ready(ACME, Modality.FACE)
    except IndexLoading:
        return False
    return True


def test_a_machine_with_other_secrets_counts_as_lost() -> None:
    feed, _ = among(ANN)
    over = machines(feed)
    asked(over)
    over.replicas[0][0].shard = over.replica(0, key=urandom(32)).shard
    assert asked(over).partial


def test_a_machine_cut_off_from_the_database_counts_as_lost() -> None:
    feed, _ = among(ANN)
    over = machines(feed)
    cut_off = search_of(over.replicas[0][0])._feed
    assert isinstance(cut_off, FakeFeed)
    cut_off.fails_with = StorageUnavailable("gone")
    assert asked(over).partial


def test_what_one_machine_says_of_the_whole_search_is_said() -> None:
    feed, _ = among(ANN)
    over = machines(feed)
    search_of(over.replicas[0][0])._most_bytes = 1
    with pytest.raises(SearchMemoryExceeded) as refused:
        asked(over)
    assert refused.value.retry_after_s == 600


def test_nothing_that_is_asked_or_answered_can_be_read_or_passed_off_as_another_answer() -> None:
    feed, (ann,) = among(ANN)
    over = machines(feed)
    asked(over)
    replica = of(over, ann)[0]
    sent = b"".join(replica.heard + replica.told)
    assert ann.encode() not in sent
    assert ANN.vector.tobytes() not in sent
    assert b"vector" not in sent
    other = over.replica(0)
    answers = [other.ask(it).result() for it in replica.heard]
    with pytest.raises(ClusterUnavailable):
        SealedWords(over.key).open(answers[0], replica.heard[1])


def test_a_probe_that_shows_too_little_is_answered_with_nobody() -> None:
    feed, _ = among(ANN)
    answer = asked(machines(feed), template(1, 0, traits=HOPELESS))
    assert (answer.assessable, answer.candidates) == (False, ())


def test_what_all_machines_hold_is_added_up() -> None:
    feed, _ = among(ANN)
    over = machines(feed, copies=2)
    for _ in range(2):
        asked(over)
    over.search.keep_warm()
    assert over.search.templates == 31
    assert over.search.bytes_held > 31 * len(ANN.vector)
    assert (over.search.loading, over.search.tally.searches) == (0, 2)
    assert all(len(it.heard) > 1 for pair in over.replicas for it in pair)


def test_a_gallery_is_as_far_behind_as_the_machine_that_follows_least() -> None:
    feed, _ = among(ANN)
    now_s = [0.0]
    over = FakeMachines(feed, FACES, parts=2, copies=2, clock=lambda: now_s[0])
    asked(over)
    now_s[0] = 10_000.0
    every_one = [search_of(it) for pair in over.replicas for it in pair]
    for one in every_one[:-1]:
        one.keep_warm()
    over.search.keep_warm()
    assert over.search.behind_s >= 10_000
    every_one[-1].keep_warm()
    over.search.keep_warm()
    assert over.search.behind_s < 10_000


def test_without_a_change_each_machine_is_asked_once_a_search() -> None:
    feed, _ = among(ANN)
    over = machines(feed)
    asked(over)
    before = [len(it.heard) for (it,) in over.replicas]
    assert before == [2, 2, 2]  # how many there are, and who
    over.search.check_ready(ACME, Modality.FACE)
    asked(over)
    assert [len(it.heard) for (it,) in over.replicas] == [3, 3, 3]
    feed.put(ANN)
    assert len(asked(over).candidates) == 2
