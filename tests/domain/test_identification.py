from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.identification import SearchClaims, expected_fpir, needed_fmr
from perse.errors import InvalidParameter

POINTS = SimilarityScale(
    [OperatingPoint(1e-2, 0.3), OperatingPoint(1e-4, 0.42), OperatingPoint(1e-5, 0.47)]
)
CLAIMS = SearchClaims(POINTS, lowest_fmr=1e-5)
FPIR = st.floats(1e-4, 0.9)
SIZE = st.integers(1, 10**8)


def test_a_search_of_two_errs_by_either() -> None:
    assert expected_fpir(0.1, 2) == pytest.approx(0.19)
    assert needed_fmr(0.19, 2) == pytest.approx(0.1)
    assert expected_fpir(1.0, 5) == 1


@settings(deadline=None)
@given(fpir=FPIR, size=SIZE)
def test_the_rate_needed_gives_the_rate_wanted(fpir: float, size: int) -> None:
    assert expected_fpir(needed_fmr(fpir, size), size) == pytest.approx(fpir)


@pytest.mark.parametrize("fpir", [0.0, 1.0, -0.1, float("nan")])
def test_what_is_no_rate_is_refused(fpir: float) -> None:
    for ask in (CLAIMS.largest_gallery, lambda rate: CLAIMS.threshold(rate, 5)):
        with pytest.raises(InvalidParameter, match="lies between 0 and 1"):
            ask(fpir)


def test_one_in_a_hundred_searches_of_a_hundred_needs_a_tenth_of_a_thousandth() -> None:
    found = CLAIMS.threshold(1e-2, 100)
    assert found.similarity == pytest.approx(0.8, abs=1e-3)
    assert found.supported
    assert found.largest_supported == 1005


@settings(deadline=None)
@given(fpir=FPIR)
def test_the_largest_gallery_is_the_last_that_is_supported(fpir: float) -> None:
    largest = CLAIMS.largest_gallery(fpir)
    assert CLAIMS.threshold(fpir, largest).supported
    assert not CLAIMS.threshold(fpir, largest + 1).supported


@settings(deadline=None)
@given(fpir=FPIR, size=SIZE, more=SIZE)
def test_more_people_never_lower_the_threshold(fpir: float, size: int, more: int) -> None:
    before, after = CLAIMS.threshold(fpir, size), CLAIMS.threshold(fpir, size + more)
    assert 0.6 <= before.similarity <= after.similarity <= 1


def test_a_threshold_below_all_that_was_measured_is_not_used() -> None:
    found = CLAIMS.threshold(0.5, 1)
    assert found.similarity == pytest.approx(0.6)
    assert found.supported


def test_points_that_the_pairs_cannot_carry_support_nothing() -> None:
    timid = SearchClaims(POINTS, lowest_fmr=1e-4)
    assert timid.largest_gallery(1e-2) == 100
    assert not timid.threshold(1e-2, 1000).supported
    assert timid.threshold(1e-2, 1000).similarity == CLAIMS.threshold(1e-2, 1000).similarity


def test_data_that_carry_more_than_the_points_support_no_more_than_the_points() -> None:
    assert SearchClaims(POINTS, lowest_fmr=1e-7).largest_gallery(1e-2) == 1005


def test_an_empty_gallery_has_a_threshold_too() -> None:
    assert CLAIMS.threshold(1e-2, 0).supported
