from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_curve

from perse.errors import InvalidParameter
from perse.evaluation.error_rates import PairScores, Scores

scores = arrays(np.float32, st.integers(1, 60), elements=st.floats(-1, 1, width=32))


def _normal(seed: int, mean: float, count: int) -> Scores:
    return np.random.default_rng(seed).normal(mean, 1.0, count).astype(np.float32)


@given(mated=scores, non_mated=scores, threshold=st.floats(-1, 1, width=32))
def test_rates_are_the_shares_that_counting_gives(
    mated: Scores, non_mated: Scores, threshold: float
) -> None:
    pairs = PairScores.of(mated, non_mated)
    assert pairs.fmr(threshold) == pytest.approx(np.mean(non_mated >= threshold))
    assert pairs.fnmr(threshold) == pytest.approx(np.mean(mated < threshold))


@given(mated=scores, non_mated=scores)
def test_the_threshold_for_a_rate_keeps_it_and_no_lower_one_does(
    mated: Scores, non_mated: Scores
) -> None:
    pairs = PairScores.of(mated, np.concatenate((non_mated, np.linspace(-1, 1, 300, dtype="f4"))))
    threshold = pairs.threshold_for_fmr(0.1)
    assert pairs.fmr(threshold) <= 0.1
    assert pairs.fmr(float(np.nextafter(np.float32(threshold), np.float32(-2)))) > 0.1


def test_a_rate_that_so_few_pairs_cannot_show_is_refused_in_numbers() -> None:
    pairs = PairScores.of(_normal(1, 2, 10), _normal(2, 0, 2100))
    with pytest.raises(
        InvalidParameter, match=r"2,100 non-mated pairs support FMR 1.4e-3, not 1e-4"
    ):
        pairs.threshold_for_fmr(1e-4)


def test_the_equal_error_rate_of_two_normal_distributions_is_the_closed_form() -> None:
    pairs = PairScores.of(_normal(1, 2, 100_000), _normal(2, 0, 100_000))
    assert pairs.equal_error_rate() == pytest.approx(0.15866, abs=3e-3)


def test_the_equal_error_rate_agrees_with_scikit_learn() -> None:
    mated, non_mated = _normal(3, 1.5, 400), _normal(4, 0, 3000)
    labels = np.r_[np.ones(mated.size), np.zeros(non_mated.size)]
    fmr, tmr, _ = roc_curve(labels, np.r_[mated, non_mated], drop_intermediate=False)
    nearest = np.argmin(np.abs(fmr - (1 - tmr)))
    expected = (fmr[nearest] + 1 - tmr[nearest]) / 2
    assert PairScores.of(mated, non_mated).equal_error_rate() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("bad", [[], [np.nan], [np.inf]])
def test_scores_that_are_none_are_refused(bad: list[float]) -> None:
    with pytest.raises(InvalidParameter):
        PairScores.of(np.array(bad, np.float32), _normal(1, 0, 10))
