"""Searches among files, against looking at every pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.identification import SearchClaims, expected_fpir
from perse.errors import InvalidParameter
from perse.evaluation.acquisition import Acquired
from perse.evaluation.identification_rates import SearchQuestion, rate_searches
from perse.evaluation.results import plain
from perse.evaluation.samples import Samples, compare_all_samples
from perse.evaluation.searches import search_all
from tests.evaluation.synthetic import PROVENANCE, samples, templates
from tests.recognisable import MODEL

CLAIMS = SearchClaims(
    SimilarityScale([OperatingPoint(1e-2, 0.45), OperatingPoint(1e-4, 0.6)]), lowest_fmr=1e-4
)

# Products of matrices add up in their own order.
ROUNDING = 1e-6


def question(fpir: float = 0.1, claims: SearchClaims | None = CLAIMS) -> SearchQuestion:
    return SearchQuestion(PROVENANCE, fpir, claims, candidates=3)


@settings(max_examples=40, deadline=None)
@given(
    people=st.integers(3, 9),
    each=st.integers(3, 4),
    failures=st.integers(0, 2),
    seed=st.integers(0, 10**6),
    poor=st.booleans(),
)
def test_every_search_is_what_its_pairs_say(
    people: int, each: int, failures: int, seed: int, poor: bool
) -> None:
    given_ = samples(
        templates(people, each, noise=1.5, values=3, seed=seed), each, failures=failures
    )
    if poor:
        given_ = _of_mixed_quality(given_, seed)
    shuffled = _shuffled(given_, seed)
    searches = search_all(shuffled)
    score = _scores(shuffled)
    person = searches.person
    for row in range(len(person)):
        others = {
            one: max((score[row, n] for n in files.tolist() if n != row), default=-np.inf)
            for one in set(person.tolist())
            for files in [np.flatnonzero(person == one)]
        }
        own = others.pop(int(person[row]))
        assert searches.mated[row] == pytest.approx(own, abs=ROUNDING)
        assert searches.non_mated[row] == pytest.approx(max(others.values()), abs=ROUNDING)
        surely, perhaps = (
            sum(it > own + rounding for it in others.values()) for rounding in (ROUNDING, -ROUNDING)
        )
        assert 1 + surely <= searches.rank[row] <= 1 + perhaps
        nearest = int(searches.nearest[row])
        assert person[nearest] != person[row]
        assert score[row, nearest] == pytest.approx(searches.non_mated[row], abs=ROUNDING)


def test_rates_are_counted_over_searches() -> None:
    found = samples(templates(40, 3, noise=1.3), 3, failures=1)
    result, searches = rate_searches(found, question())
    assert (result.gallery_people, result.gallery_files) == (40, 119)
    assert result.mated_searches == result.non_mated_searches == 119
    (at,) = [point.rates for point in result.points if point.target_fpir == 0.1]
    assert at is not None
    assert at.fpir.errors == int((searches.non_mated >= np.float32(at.threshold)).sum()) <= 11
    hits = (searches.mated >= np.float32(at.threshold)) & (searches.rank <= 3)
    assert at.fnir.errors == 119 - int(hits.sum())
    assert at.fnir_first.share >= at.fnir.share
    assert at.similarity == CLAIMS.scale.similarity(at.threshold)
    assert at.fpir.interval.low <= at.fpir.share <= at.fpir.interval.high
    assert [it.missed.share for it in result.ranks] == sorted(
        (it.missed.share for it in result.ranks), reverse=True
    )


def test_the_threshold_is_the_lowest_that_keeps_the_rate() -> None:
    _, searches = rate_searches(samples(templates(40, 3, noise=1.3), 3), question())
    threshold = searches.threshold_for_fpir(0.1)
    assert (searches.non_mated >= np.float32(threshold)).sum() <= 12
    lower = np.nextafter(np.float32(threshold), np.float32(-1))
    assert (searches.non_mated >= lower).sum() > 12
    assert searches.threshold_for_fpir(1.0) == -1


def test_rates_that_so_few_people_cannot_tell_are_refused() -> None:
    result, _ = rate_searches(samples(templates(40, 2), 2), question())
    refused = {point.target_fpir for point in result.points if point.refused}
    assert refused == {1e-2, 1e-3, 1e-4}
    assert result.points[-1].refused == "searches for 40 people support FPIR 7.5e-2, not 1e-4"


def test_what_identify_does_now_stands_beside() -> None:
    result, _ = rate_searches(samples(templates(40, 2, noise=1.3), 2), question(0.5))
    assert result.served is not None
    expected = CLAIMS.threshold(0.5, 80)
    assert result.served.rates.similarity == pytest.approx(expected.similarity)
    assert (result.served.supported, result.served.largest_supported) == (True, 6931)
    unmeasured, _ = rate_searches(samples(templates(40, 2), 2), question(claims=None))
    assert unmeasured.served is None
    assert all(it.rates is None or it.rates.similarity is None for it in unmeasured.points)
    assert plain(unmeasured)["served"] is None


def test_strangers_that_are_found_are_named_each_pair_once() -> None:
    found = samples(templates(20, 2, noise=0.5, values=4), 2)
    result, _ = rate_searches(found, question())
    pairs = [frozenset((pair.first, pair.second)) for pair in result.worst_false_candidates]
    assert len(set(pairs)) == len(pairs) > 0
    scores = [pair.score for pair in result.worst_false_candidates]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("people", "each"), [(1, 5), (5, 1)])
def test_who_cannot_be_searched_for_is_told(people: int, each: int) -> None:
    with pytest.raises(InvalidParameter, match="two or more people, and two or more of a person"):
        rate_searches(samples(templates(people, each), each), question())


def test_people_of_one_file_are_searched_for_in_vain_only() -> None:
    single = samples(templates(10, 2), 2)
    files = (*single.files[:-1], replace(single.files[-1], person="alone"))
    result, _ = rate_searches(Samples(files, single.outcomes), question())
    assert (result.mated_searches, result.non_mated_searches) == (18, 20)


def test_independent_strangers_err_as_the_formula_says() -> None:
    found = samples(templates(700, 2, noise=0.9, values=24, seed=3), 2)
    searches = search_all(found)
    for fmr in (1e-4, 1e-3):
        rates = compare_all_samples(found).comparisons.rates()
        threshold = np.float32(rates.threshold_for_fmr(fmr))
        counted = float((searches.non_mated >= threshold).mean())
        assert counted == pytest.approx(expected_fpir(fmr, 1398), rel=0.15)


def _of_mixed_quality(found: Samples, seed: int) -> Samples:
    random = np.random.default_rng(seed)
    outcomes = tuple(
        Acquired(it.vector, {"recognisability": float(random.uniform())})
        if isinstance(it, Acquired)
        else it
        for it in found.outcomes
    )
    return Samples(found.files, outcomes, recognisability=MODEL)


def _shuffled(found: Samples, seed: int) -> Samples:
    order = np.random.default_rng(seed).permutation(len(found.files)).tolist()
    return replace(
        found,
        files=tuple(found.files[n] for n in order),
        outcomes=tuple(found.outcomes[n] for n in order),
    )


def _scores(found: Samples) -> dict[tuple[int, int], np.float32]:
    comparisons = compare_all_samples(found).comparisons
    score = {}
    for pairs in (comparisons.mated, comparisons.non_mated):
        for one, other, it in zip(pairs.first, pairs.second, pairs.scores, strict=True):
            score[int(one), int(other)] = score[int(other), int(one)] = it
    return score
