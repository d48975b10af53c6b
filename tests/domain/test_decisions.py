from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.decisions import (
    OperatingPoint,
    PadScore,
    SimilarityScale,
    fmr_key,
    similarity_at_fmr,
)
from perse.errors import InvalidParameter

POINTS = [
    OperatingPoint(fmr=1e-2, cosine=0.25),
    OperatingPoint(fmr=1e-3, cosine=0.34),
    OperatingPoint(fmr=1e-4, cosine=0.42),
    OperatingPoint(fmr=1e-5, cosine=0.47),
]
SCALE = SimilarityScale(POINTS)


@pytest.mark.parametrize(
    ("fmr", "similarity"), [(1, 0.4), (1e-2, 0.6), (1e-3, 0.7), (1e-4, 0.8), (1e-5, 0.9), (1e-6, 1)]
)
def test_each_tenth_of_similarity_is_ten_times_fewer_false_matches(
    fmr: float, similarity: float
) -> None:
    assert similarity_at_fmr(fmr) == pytest.approx(similarity)


def test_the_scale_ends_at_one_in_a_million() -> None:
    assert similarity_at_fmr(1e-9) == 1


@pytest.mark.parametrize("fmr", [0.0, -1e-3, 1.1, float("nan")])
def test_what_is_no_rate_has_no_similarity(fmr: float) -> None:
    with pytest.raises(InvalidParameter):
        similarity_at_fmr(fmr)


@pytest.mark.parametrize("point", POINTS)
def test_an_operating_point_s_cosine_reaches_its_threshold(point: OperatingPoint) -> None:
    assert SCALE.similarity(point.cosine) >= SCALE.threshold(point.fmr)
    assert SCALE.similarity(point.cosine - 1e-5) < SCALE.threshold(point.fmr)


@pytest.mark.parametrize(
    ("cosine", "similarity"),
    [(-1.0, 0.0), (-0.375, 0.3), (0.295, 0.65), (0.445, 0.85), (0.495, 0.95), (0.52, 1), (1, 1)],
)
def test_between_points_the_scale_is_straight(cosine: float, similarity: float) -> None:
    assert SCALE.similarity(cosine) == pytest.approx(similarity)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_higher_cosine_is_never_less_similar(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= SCALE.similarity(low) <= SCALE.similarity(high) <= 1


@given(st.floats(0, 1))
def test_a_similarity_leads_back_to_its_cosine(similarity: float) -> None:
    assert SCALE.similarity(SCALE.cosine(similarity)) == pytest.approx(similarity)


@pytest.mark.parametrize(
    ("cosine", "supported"), [(0.24, False), (0.25, True), (0.40, True), (0.47, True), (0.5, False)]
)
def test_only_between_measured_points_the_scale_is_supported(
    cosine: float, supported: bool
) -> None:
    assert SCALE.supported(cosine) is supported


def test_thresholds_are_those_of_the_measured_points() -> None:
    assert SCALE.thresholds() == {"1e-2": 0.6, "1e-3": 0.7, "1e-4": 0.8, "1e-5": 0.9}
    assert SimilarityScale(POINTS[:2]).thresholds() == {"1e-2": 0.6, "1e-3": 0.7}


def test_a_rate_between_points_has_a_threshold_too() -> None:
    assert SCALE.threshold(10**-3.5) == pytest.approx(0.75)


@pytest.mark.parametrize("fmr", [1e-1, 1e-6, 0.0])
def test_a_rate_beyond_the_measured_ones_is_refused(fmr: float) -> None:
    with pytest.raises(InvalidParameter, match="1e-5 to 1e-2"):
        SCALE.threshold(fmr)


def test_identical_faces_reach_one_even_where_the_last_slope_would_not() -> None:
    flat = SimilarityScale([OperatingPoint(1e-2, 0.5), OperatingPoint(1e-3, 0.95)])
    assert flat.similarity(1.0) == 1


def test_points_beyond_the_end_of_the_scale_are_left_out() -> None:
    longer = SimilarityScale([*POINTS, OperatingPoint(1e-6, 0.5), OperatingPoint(1e-7, 0.6)])
    assert longer.points[-1].fmr == 1e-6
    assert longer.similarity(0.5) == pytest.approx(1)


@pytest.mark.parametrize(
    "points",
    [
        [],
        POINTS[:1],
        [OperatingPoint(1e-2, 0.4), OperatingPoint(1e-3, 0.4)],
        [OperatingPoint(1e-2, 0.4), OperatingPoint(1e-3, 0.3)],
        [OperatingPoint(1e-2, 0.3), OperatingPoint(1e-2, 0.4)],
    ],
)
def test_points_that_do_not_rise_make_no_scale(points: list[OperatingPoint]) -> None:
    with pytest.raises(InvalidParameter):
        SimilarityScale(points)


@pytest.mark.parametrize(("fmr", "cosine"), [(0, 0.5), (1.5, 0.5), (1e-3, 1.5), (1e-3, -2)])
def test_what_cannot_be_measured_is_no_operating_point(fmr: float, cosine: float) -> None:
    with pytest.raises(InvalidParameter):
        OperatingPoint(fmr, cosine)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_pad_score_lies_between_0_and_1(value: float) -> None:
    with pytest.raises(InvalidParameter):
        PadScore(value)


@pytest.mark.parametrize(("fmr", "key"), [(1e-4, "1e-4"), (5e-3, "5e-3"), (0.01, "1e-2")])
def test_rates_are_keyed_as_on_the_wire(fmr: float, key: str) -> None:
    assert fmr_key(fmr) == key
