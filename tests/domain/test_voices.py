from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.voices import DurationCorrection
from perse.errors import InvalidParameter

CORRECTION = DurationCorrection(slope=0.14, reference_s=2.5, longest_s=12.0)
seconds = st.floats(1, 120)
cosines = st.floats(-1, 1)


def test_nothing_is_corrected_at_the_reference() -> None:
    assert CORRECTION.corrected(0.5, 2.5, 2.5) == pytest.approx(0.5)


def test_long_recordings_need_more_and_short_ones_less() -> None:
    assert CORRECTION.corrected(0.5, 10, 10) < 0.5 < CORRECTION.corrected(0.5, 1, 1)


def test_the_shorter_recording_decides() -> None:
    assert CORRECTION.spread(1.2, 60) < CORRECTION.spread(2.5, 2.5)


@given(seconds, seconds)
def test_the_order_of_recordings_does_not_matter(first_s: float, second_s: float) -> None:
    assert CORRECTION.spread(first_s, second_s) == CORRECTION.spread(second_s, first_s)


@given(cosines, cosines, seconds, seconds)
def test_the_order_of_scores_is_kept(one: float, other: float, a_s: float, b_s: float) -> None:
    low, high = sorted((one, other))
    assert CORRECTION.corrected(low, a_s, b_s) <= CORRECTION.corrected(high, a_s, b_s)
    assert -1 <= CORRECTION.corrected(low, a_s, b_s) <= 1


def test_beyond_the_measured_durations_nothing_changes() -> None:
    assert CORRECTION.spread(12, 12) == CORRECTION.spread(100, 100)
    assert CORRECTION.spread(1, 1) == CORRECTION.spread(0, 0)


def test_by_default_nothing_is_corrected() -> None:
    assert DurationCorrection().corrected(0.5, 1, 60) == 0.5


@pytest.mark.parametrize(
    "wrong", [{"slope": -0.1}, {"slope": 2.0}, {"reference_s": 0.5}, {"longest_s": 1.0}]
)
def test_a_correction_that_turns_scores_around_cannot_exist(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidParameter):
        DurationCorrection(**wrong)
