"""The indexes of many tenants."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from perse.domain.access import TenantId
from perse.domain.identification import SearchClaims, SearchTerms
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Modality, Template, UserToken
from perse.domain.subjects import EnrolledSubject
from perse.errors import (
    IndexLoading,
    MasterKeyUnusable,
    PerseError,
    SearchMemoryExceeded,
    StorageDamaged,
    StorageUnavailable,
)
from perse.search import live_search
from perse.search.live_search import LiveSearch
from perse.search.measured import Measured
from tests.fakes.subject_feed import ACME, OTHER, FakeFeed
from tests.recognisable import NET, POINTS, SCALE, template

MEASURED = {Modality.FACE: Measured(NET, SearchClaims(POINTS, lowest_fmr=1e-5))}
ANN, BOB = template(1, 0), template(0, 1)
THIRD = TenantId("third")
WEEKS_S = 1e6


@dataclass
class Clock:
    time_s: float = 0.0

    def __call__(self) -> float:
        return self.time_s


@contextmanager
def searching(
    feed: FakeFeed, *, most_bytes: int = 1_000_000, clock: Clock | None = None
) -> Iterator[LiveSearch]:
    search = LiveSearch(feed, MEASURED, most_bytes, clock or Clock())
    try:
        yield search
    finally:
        search.close()


def found(search: LiveSearch, probe: Template, tenant: TenantId = ACME) -> list[str]:
    answer = search.identify(
        tenant, Modality.FACE, FaceLikeness(probe, SCALE), SearchTerms(10, 0.01)
    )
    return [it.subject for it in answer.candidates]


def until_filled(search: LiveSearch, tenant: TenantId = ACME) -> int:
    """How often the tenant was told to try again."""
    for refusals in range(20_000):
        try:
            search.check_ready(tenant, Modality.FACE)
        except IndexLoading:
            time.sleep(0.001)
        else:
            return refusals
    raise AssertionError("it is never filled")


def test_a_small_tenants_first_search_waits_for_its_index() -> None:
    feed = FakeFeed()
    ann, other = feed.put(ANN), feed.put(ANN, tenant=OTHER)
    with searching(feed) as search:
        assert found(search, ANN) == [ann]
        assert search.templates == 1
        assert found(search, ANN, OTHER) == [other]
        assert (search.templates, search.loading) == (2, 0)


def test_who_never_searches_takes_no_memory() -> None:
    feed = FakeFeed()
    feed.put(ANN)
    with searching(feed) as search:
        search.keep_warm()
        assert (search.templates, search.bytes_held, feed.reads) == (0, 0, 0)


def test_a_large_tenant_is_told_to_try_again_until_it_has_been_read() -> None:
    feed = FakeFeed()
    ann = feed.put(ANN)
    for _ in range(live_search.READ_AT_ONCE):
        feed.put(BOB)
    with searching(feed, most_bytes=10_000_000) as search:
        with pytest.raises(IndexLoading, match="of 5,001 samples"):
            search.identify(ACME, Modality.FACE, FaceLikeness(ANN, SCALE), SearchTerms(10, 0.01))
        assert until_filled(search) > 0
        assert found(search, ANN) == [ann]


def test_what_others_stored_is_taken_over_before_anybody_asks() -> None:
    feed = FakeFeed()
    with searching(feed) as search:
        assert found(search, ANN) == []
        ann = feed.put(ANN)
        search.keep_warm()
        assert search.templates == 1
        before = feed.reads
        assert found(search, ANN) == [ann]
        assert feed.reads == before + 1  # of the candidate, as it is stored


def test_how_long_ago_all_was_up_to_date_is_told() -> None:
    feed, clock = FakeFeed(), Clock()
    with searching(feed, clock=clock) as search:
        found(search, ANN)
        clock.time_s += 5
        assert search.behind_s == 5
        feed.put(ANN)
        search.keep_warm()
        assert search.behind_s == 0
        clock.time_s += 7
        feed.put(BOB)
        feed.fails_with = StorageUnavailable("the database does not answer")
        search.keep_warm()
        assert search.behind_s == 7
        feed.fails_with = None
        search.keep_warm()
        assert search.behind_s == 0


def test_where_more_changed_than_is_known_the_chore_reads_everything_again() -> None:
    feed = FakeFeed(kept=2)
    with searching(feed) as search:
        found(search, ANN)
        tokens = [feed.put(ANN) for _ in range(3)]
        search.keep_warm()
        until_filled(search)
        assert found(search, ANN) == sorted(tokens)


def test_reading_ahead_fills_every_tenants_index() -> None:
    feed = FakeFeed()
    for tenant in (ACME, OTHER):
        feed.put(ANN, tenant=tenant)
    with searching(feed) as search:
        search.read_ahead()
        for tenant in (ACME, OTHER):
            until_filled(search, tenant)
        assert search.templates == 2


def test_more_than_there_is_memory_for_is_refused_and_says_which_setting() -> None:
    feed = FakeFeed()
    for _ in range(6):
        feed.put(ANN)
    with searching(feed, most_bytes=1000) as search:
        with pytest.raises(SearchMemoryExceeded, match=r"1,200 bytes .*PERSE_SEARCH_MEMORY_BYTES"):
            found(search, ANN)
        assert search.bytes_held == 0


def test_a_refusal_says_nothing_of_what_others_hold() -> None:
    feed, said = FakeFeed(), set[str]()
    for _ in range(6):
        feed.put(ANN)
    with searching(feed, most_bytes=1400) as search:
        for _ in range(3):
            feed.put(ANN, tenant=OTHER)
            found(search, ANN, OTHER)
            with pytest.raises(SearchMemoryExceeded) as refused:
                found(search, ANN)
            said.add(refused.value.message)
    assert len(said) == 1


def grown(feed: FakeFeed, search: LiveSearch) -> UserToken:
    """A tenant with more than is read at once, whose index was opened with nobody in it."""
    assert found(search, ANN) == []
    ann = feed.put(ANN)
    for _ in range(live_search.READ_AT_ONCE):
        feed.put(BOB)
    with pytest.raises(IndexLoading):  # more has changed than is known
        found(search, ANN)
    return ann


def test_a_tenant_that_has_grown_is_read_in_the_background_and_not_by_who_asks() -> None:
    feed, readers = FakeFeed(kept=2), set[int]()
    with searching(feed, most_bytes=10_000_000) as search:
        ann = grown(feed, search)
        feed.hooks += [lambda: readers.add(threading.get_ident())] * 6
        with pytest.raises(IndexLoading):
            search.check_ready(ACME, Modality.FACE)
        until_filled(search)
        assert readers
        assert threading.get_ident() not in readers
        assert found(search, ANN) == [ann]


def test_a_tenant_that_has_grown_needs_room_for_what_there_is_now() -> None:
    feed = FakeFeed(kept=2)
    with searching(feed, most_bytes=500_000) as search:
        grown(feed, search)
        with pytest.raises(SearchMemoryExceeded, match="1,000,200 bytes"):
            found(search, ANN)
        search.keep_warm()
        assert search.bytes_held == 0


def test_memory_goes_from_who_has_long_not_searched_to_who_does() -> None:
    feed, clock = FakeFeed(), Clock()
    for tenant in (ACME, OTHER):
        for _ in range(3):
            feed.put(ANN, tenant=tenant)
    with searching(feed, most_bytes=650, clock=clock) as search:
        assert len(found(search, ANN)) == 3
        with pytest.raises(SearchMemoryExceeded):
            found(search, ANN, OTHER)
        clock.time_s += WEEKS_S
        assert len(found(search, ANN, OTHER)) == 3
        assert search.templates == 3
        clock.time_s += WEEKS_S
        assert len(found(search, ANN)) == 3


def test_what_has_grown_beyond_the_bound_is_given_back() -> None:
    feed = FakeFeed()
    feed.put(ANN)
    with searching(feed, most_bytes=1000) as search:
        found(search, ANN)
        for _ in range(100):
            feed.put(BOB)
        search.keep_warm()
        search.keep_warm()
        assert search.bytes_held == 0
        with pytest.raises(SearchMemoryExceeded):
            found(search, ANN)


def test_who_has_searched_since_the_last_turn_keeps_what_has_grown_a_little() -> None:
    feed = FakeFeed()
    for _ in range(40):
        feed.put(ANN)
    with searching(feed, most_bytes=9000) as search:
        found(search, ANN)
        while search.bytes_held <= 9000:
            feed.put(BOB)
            search.keep_warm()
            found(search, ANN)
        search.keep_warm()
        assert len(found(search, ANN)) == 10
        while search.bytes_held <= 2 * 9000 and search.templates:
            feed.put(BOB)
            search.keep_warm()
            if search.templates:
                found(search, ANN)
        assert search.bytes_held == 0


def test_what_took_more_than_planned_is_not_filled_and_dropped_again_and_again() -> None:
    feed, clock = FakeFeed(), Clock()
    for n in range(5):
        feed.put(ANN, collections=[f"{n}-{m}" for m in range(20)])
    with searching(feed, most_bytes=40_000, clock=clock) as search:
        found(search, ANN)
        assert search.bytes_held > 1.25 * 40_000
        search.keep_warm()
        assert search.bytes_held == 0
        before = feed.reads
        for _ in range(3):
            with pytest.raises(SearchMemoryExceeded):
                found(search, ANN)
            search.keep_warm()
        assert feed.reads == before
        for token in [it.user_token for it in feed.held.values()]:
            feed.put(ANN, token=token)  # in no collection any more
        clock.time_s += WEEKS_S
        assert len(found(search, ANN)) == 5


def test_what_cannot_be_read_is_said_and_tried_again() -> None:
    feed = FakeFeed(fails_with=StorageDamaged("a row was changed"))
    for _ in range(live_search.READ_AT_ONCE + 1):
        feed.put(ANN)
    clock = Clock()
    with searching(feed, most_bytes=10_000_000, clock=clock) as search:
        for _ in range(3):
            with pytest.raises(StorageDamaged):
                until_filled(search)
            search.keep_warm()
        assert feed.reads == 1  # not again and again
        feed.fails_with = None
        clock.time_s += WEEKS_S
        until_filled(search)
        assert search.templates == live_search.READ_AT_ONCE + 1


def test_a_database_that_does_not_answer_is_asked_again_at_the_next_turn() -> None:
    feed = FakeFeed()
    with searching(feed) as search:
        found(search, ANN)
        feed.put(ANN)
        feed.fails_with = StorageUnavailable("away")
        search.keep_warm()
        feed.fails_with = None
        search.keep_warm()
        assert search.templates == 1


@pytest.mark.parametrize("problem", [StorageDamaged("of acme"), MasterKeyUnusable("of acme")])
def test_one_damaged_template_keeps_no_other_tenants_index_from_following(
    problem: PerseError,
) -> None:
    feed, clock = FakeFeed(), Clock()
    with searching(feed, clock=clock) as search, capture_logs() as said:
        for tenant in (ACME, OTHER, THIRD):
            found(search, ANN, tenant)
            feed.put(ANN, tenant=tenant)
        feed.fails_with, feed.damaged = problem, ACME
        search.keep_warm()
        search.keep_warm()
        assert search.templates == 2
        assert said == [
            {"event": "search_index_not_read", "code": problem.code, "log_level": "warning"}
        ]
        clock.time_s += WEEKS_S
        search.keep_warm()
        assert len(said) == 2


def test_reading_ahead_goes_on_behind_a_tenant_without_room_or_with_a_damaged_template() -> None:
    feed = FakeFeed(fails_with=StorageDamaged("of other"), damaged=OTHER)
    for tenant, samples in ((ACME, 6), (OTHER, 2), (THIRD, 1)):
        for _ in range(samples):
            feed.put(ANN, tenant=tenant)
    with searching(feed, most_bytes=1000) as search, capture_logs() as said:
        search.read_ahead()
        for _ in range(5000):
            if len(said) == 2 and search.templates == 1:
                break
            time.sleep(0.001)
        assert {it["code"] for it in said} == {"search_memory_exceeded", "storage_damaged"}
        assert search.templates == 1


class StuckFeed(FakeFeed):
    """Of ACME nobody is read before it may be."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    def read_after(
        self, tenant_id: TenantId, position: int, *, limit: int, modality: Modality | None = None
    ) -> Sequence[EnrolledSubject]:
        if tenant_id == ACME:
            assert self.may_go_on.wait(20)
        return super().read_after(tenant_id, position, limit=limit, modality=modality)


def test_a_small_tenant_does_not_wait_until_a_large_one_has_been_read() -> None:
    feed = StuckFeed()
    small = feed.put(ANN, tenant=OTHER)
    for _ in range(live_search.READ_AT_ONCE + 1):
        feed.put(BOB)
    with searching(feed, most_bytes=10_000_000) as search:
        search.read_ahead()
        while search.loading < 2:
            time.sleep(0.001)
        assert found(search, ANN, OTHER) == [small]
        with pytest.raises(IndexLoading):
            found(search, ANN)
        feed.may_go_on.set()
        until_filled(search)


def test_what_is_deleted_is_zeroed_in_memory_before_anybody_searches_again() -> None:
    feed = FakeFeed()
    with searching(feed) as search:
        ann = feed.put(ANN)
        found(search, ANN)
        feed.remove(ann)
        search.keep_warm()
        assert search.templates == 0


def test_a_closed_search_holds_nobody() -> None:
    feed = FakeFeed()
    feed.put(ANN)
    with searching(feed) as search:
        found(search, ANN)
        search.close()
        assert (search.templates, search.bytes_held) == (0, 0)
        with pytest.raises(IndexLoading):
            found(search, ANN)
