from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.stranger_spread import RecordedMany, SpreadCorrection, narrowness
from perse.domain.voice_quality import VoiceQuality
from perse.errors import InvalidParameter

CORRECTION = SpreadCorrection(
    slope=0.14, reference_s=2.5, longest_s=12.0, both_narrow=0.12, one_narrow=-0.05
)
seconds = st.floats(1, 120)
bandwidths_hz = st.floats(250, 8000)
cosines = st.floats(-1, 1)


def heard(net_speech_s: float = 2.5, bandwidth_hz: float = 8000.0) -> VoiceQuality:
    return VoiceQuality(net_speech_s, 25.0, 0.0, bandwidth_hz, 2 * net_speech_s)


TELEPHONE = heard(bandwidth_hz=3500)


def test_nothing_is_corrected_at_the_reference() -> None:
    assert CORRECTION.corrected(0.5, heard(), heard()) == pytest.approx(0.5)


def test_long_recordings_need_more_and_short_ones_less() -> None:
    long, short = heard(10), heard(1)
    assert CORRECTION.corrected(0.5, long, long) < 0.5 < CORRECTION.corrected(0.5, short, short)


def test_the_shorter_recording_decides() -> None:
    assert CORRECTION.spread(heard(1.2), heard(60)) < CORRECTION.spread(heard(), heard())


def test_two_telephones_need_more_and_one_needs_less() -> None:
    assert CORRECTION.spread(TELEPHONE, TELEPHONE) == pytest.approx(1.12)
    assert CORRECTION.spread(TELEPHONE, heard()) == pytest.approx(0.95)


@given(seconds, seconds, bandwidths_hz, bandwidths_hz)
def test_the_order_of_recordings_does_not_matter(
    first_s: float, second_s: float, first_hz: float, second_hz: float
) -> None:
    first, second = heard(first_s, first_hz), heard(second_s, second_hz)
    assert CORRECTION.spread(first, second) == CORRECTION.spread(second, first)


@given(cosines, cosines, seconds, seconds)
def test_the_order_of_scores_is_kept(one: float, other: float, a_s: float, b_s: float) -> None:
    low, high = sorted((one, other))
    first, second = heard(a_s), heard(b_s, 3400)
    assert CORRECTION.corrected(low, first, second) <= CORRECTION.corrected(high, first, second)
    assert -1 <= CORRECTION.corrected(low, first, second) <= 1


def test_beyond_the_measured_durations_nothing_changes() -> None:
    assert CORRECTION.spread(heard(12), heard(12)) == CORRECTION.spread(heard(100), heard(100))
    assert CORRECTION.spread(heard(1), heard(1)) == CORRECTION.spread(heard(0), heard(0))


def test_by_default_nothing_is_corrected() -> None:
    assert SpreadCorrection().corrected(0.5, heard(1), TELEPHONE) == 0.5


def test_many_pairs_are_corrected_as_each_of_them() -> None:
    first = RecordedMany(np.array([[1.0], [4.0]]), np.array([[3500.0], [8000.0]]))
    second = RecordedMany(np.array([[2.0, 9.0]]), np.array([[8000.0, 4500.0]]))
    at_once = CORRECTION.corrected(np.full((2, 2), 0.4), first, second)
    one_by_one = [
        [
            float(CORRECTION.corrected(0.4, heard(a_s, a_hz), heard(b_s, b_hz)))
            for b_s, b_hz in ((2.0, 8000.0), (9.0, 4500.0))
        ]
        for a_s, a_hz in ((1.0, 3500.0), (4.0, 8000.0))
    ]
    np.testing.assert_allclose(at_once, one_by_one)


@pytest.mark.parametrize(("hz", "share"), [(3400, 1), (4000, 1), (4500, 0.5), (5000, 0), (8000, 0)])
def test_a_telephone_ends_at_4_khz(hz: float, share: float) -> None:
    assert narrowness(hz) == share


@pytest.mark.parametrize(
    "wrong",
    [
        {"slope": -0.1},
        {"slope": 2.0},
        {"reference_s": 0.5},
        {"longest_s": 1.0},
        {"both_narrow": -1.0},
        {"one_narrow": -1.5},
    ],
)
def test_a_correction_that_turns_scores_around_cannot_exist(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidParameter):
        SpreadCorrection(**wrong)
