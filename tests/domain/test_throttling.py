from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.references import Modality
from perse.domain.throttling import Guess, Guesses, GuessPolicy, RateLimit
from perse.errors import InvalidParameter, RateLimited, ReferenceLocked

NOW = datetime(2026, 1, 2, tzinfo=UTC)
POLICY = GuessPolicy()
FACE, VOICE = Modality.FACE, Modality.VOICE
RIGHT, WRONG = (Guess.of(FACE, matched=it) for it in (True, False))
MODALITIES = st.sets(st.sampled_from(Modality)).map(frozenset)


def fail(guesses: Guesses, times: int, at: datetime = NOW) -> Guesses:
    for _ in range(times):
        guesses = guesses.after(WRONG, policy=POLICY, now=at)
    return guesses


@pytest.mark.parametrize(
    ("failures", "wait_s"),
    [(0, 0), (9, 0), (10, 30), (11, 60), (12, 120), (16, 1920), (17, 3600), (99, 3600)],
)
def test_the_wait_doubles_from_the_tenth_failure_in_a_row(failures: int, wait_s: int) -> None:
    assert POLICY.wait_after(failures) == timedelta(seconds=wait_s)


def test_nine_failures_cost_nothing_and_the_tenth_does() -> None:
    fail(Guesses(), 9).check(POLICY, NOW)
    with pytest.raises(RateLimited) as blocked:
        fail(Guesses(), 10).check(POLICY, NOW + timedelta(seconds=0.5))
    assert blocked.value.retry_after_s == 30
    fail(Guesses(), 10).check(POLICY, NOW + timedelta(seconds=30))


def test_a_match_ends_the_row_and_the_total_stays() -> None:
    matched = fail(Guesses(), 15).after(RIGHT, policy=POLICY, now=NOW)
    assert matched == Guesses(total=15)
    matched.check(POLICY, NOW)


def test_a_hundred_failures_lock_for_good_even_with_matches_between() -> None:
    guesses = Guesses()
    for _ in range(20):
        guesses = fail(guesses, 5).after(RIGHT, policy=POLICY, now=NOW)
    with pytest.raises(ReferenceLocked):
        guesses.check(POLICY, NOW + timedelta(days=3650))


@given(outcomes=st.lists(st.tuples(MODALITIES, MODALITIES), max_size=150))
def test_the_total_never_falls_and_the_row_never_exceeds_it(
    outcomes: list[tuple[frozenset[Modality], frozenset[Modality]]],
) -> None:
    guesses = Guesses()
    for failed, matched in outcomes:
        guess = Guess(failed, matched - failed)
        before, guesses = guesses, guesses.after(guess, policy=POLICY, now=NOW)
        assert guesses.total == before.total + len(failed)
        assert 0 <= guesses.in_row <= guesses.total


@given(
    owned=st.sampled_from(Modality),
    tries=st.lists(st.sampled_from(["guess", "show what is owned", "both at once"]), max_size=200),
)
def test_who_owns_one_modality_guesses_the_other_no_faster_than_anybody(
    owned: Modality, tries: list[str]
) -> None:
    """Ten for nothing, then the wait of so many in a row, whatever is shown between."""
    (other,) = set(Modality) - {owned}
    does = {
        "guess": Guess(frozenset({other})),
        "show what is owned": Guess.of(owned, matched=True),
        "both at once": Guess(frozenset({other}), frozenset({owned})),
    }
    guesses, now, guessed = Guesses(), NOW, 0
    for one in tries:
        if guesses.total >= POLICY.lock_after:
            break
        now = max(now, guesses.blocked_until or now)
        guesses.check(POLICY, now)
        guesses = guesses.after(does[one], policy=POLICY, now=now)
        guessed += one != "show what is owned"
    waits = (POLICY.wait_after(number) for number in range(1, guessed))
    assert now - NOW >= sum(waits, timedelta(0))
    assert guessed <= POLICY.lock_after


def test_failures_of_both_modalities_count_together() -> None:
    guesses = fail(Guesses(), 5)
    for _ in range(5):
        guesses = guesses.after(Guess.of(VOICE, matched=False), policy=POLICY, now=NOW)
    with pytest.raises(RateLimited):
        guesses.check(POLICY, NOW)
    after = guesses.after(Guess.of(VOICE, matched=True), policy=POLICY, now=NOW)
    assert (after.in_row, after.total) == (5, 10)


def test_a_face_and_a_voice_that_both_fail_are_two_guesses() -> None:
    after = Guesses().after(Guess(frozenset(Modality)), policy=POLICY, now=NOW)
    assert (after.in_row, after.total) == (2, 2)


@given(
    calls=st.lists(st.floats(0, 5), min_size=1, max_size=60),
    per_second=st.floats(0.1, 10),
    burst=st.integers(1, 10),
)
def test_no_more_calls_pass_than_burst_and_rate_allow(
    calls: list[float], per_second: float, burst: int
) -> None:
    limit, at, passed = RateLimit(per_second, burst), NOW, 0
    bucket = limit.full(NOW)
    for pause_s in calls:
        at += timedelta(seconds=pause_s)
        try:
            bucket = limit.take(bucket, at)
        except RateLimited as refused:
            limit.take(bucket, at + timedelta(seconds=refused.retry_after_s))
        else:
            passed += 1
    elapsed_s = (at - NOW).total_seconds()
    assert passed <= burst + elapsed_s * per_second + 1e-6


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limit = RateLimit(per_second=1, burst=1)
    bucket = limit.take(limit.full(NOW), NOW)
    with pytest.raises(RateLimited):
        limit.take(bucket, NOW - timedelta(hours=1))


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1)])
def test_a_limit_that_is_none_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(InvalidParameter):
        RateLimit(rate, burst)
